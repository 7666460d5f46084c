#!/usr/bin/env bash
# Who may use the one bucket, without any key: the account that tasks act as, and only the service
# account hrgldd-pipeline of the namespace hrgldd may act as it; default-editor, which runs have that
# name no account (`kfp run create`) and which KFP's artifact server has where that is on; and, for
# reading only, KFP's UI. May be run again.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=k8s/gke/common.sh
source common.sh

bucket() { # member, role
  patiently gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" --member "$1" --role "$2"
}

account "${IDENTITY%%@*}" "hrgldd pipelines"
bucket "serviceAccount:$IDENTITY" roles/storage.objectUser
patiently gcloud iam service-accounts add-iam-policy-binding "$IDENTITY" --project "$PROJECT" \
  --member "serviceAccount:$PROJECT.svc.id.goog[hrgldd/hrgldd-pipeline]" \
  --role roles/iam.workloadIdentityUser

number=$(gcloud projects describe "$PROJECT" --format 'value(projectNumber)')
pods=principal://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools
pods=$pods/$PROJECT.svc.id.goog/subject/ns
bucket "$pods/hrgldd/sa/default-editor" roles/storage.objectUser
bucket "$pods/kubeflow/sa/ml-pipeline-ui" roles/storage.objectViewer
