#!/usr/bin/env bash
# The account that tasks act as, without a key: it may read and write objects of the one bucket, and
# only the service account hrgldd-pipeline of the namespace hrgldd may act as it.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=/dev/null
source ../overlays/gke/settings.env

gcloud iam service-accounts create "${IDENTITY%%@*}" --project "$PROJECT" \
  --display-name "hrgldd pipelines"
gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" \
  --member "serviceAccount:$IDENTITY" --role roles/storage.objectUser
gcloud iam service-accounts add-iam-policy-binding "$IDENTITY" --project "$PROJECT" \
  --member "serviceAccount:$PROJECT.svc.id.goog[hrgldd/hrgldd-pipeline]" \
  --role roles/iam.workloadIdentityUser
