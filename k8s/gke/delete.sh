#!/usr/bin/env bash
# Deletes the cluster with all that runs on it, its way out, and the accounts; gcloud asks before each.
# The bucket with the results and the repository of images stay: the last lines say how to delete them.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=k8s/gke/common.sh
source common.sh

gone() { # a command that describes something, --, a command that deletes it
  local describe=()
  while [[ $1 != -- ]]; do
    describe+=("$1")
    shift
  done
  shift
  if there "${describe[@]}"; then "$@"; fi
}
at=("$CLUSTER" --project "$PROJECT" --location "$LOCATION")
gone gcloud container clusters describe "${at[@]}" -- gcloud container clusters delete "${at[@]}"
rule=("$CLUSTER-webhooks" --project "$PROJECT")
gone gcloud compute firewall-rules describe "${rule[@]}" -- \
  gcloud compute firewall-rules delete "${rule[@]}"
router=("$CLUSTER" --project "$PROJECT" --region "$LOCATION")
gone gcloud compute routers describe "${router[@]}" -- gcloud compute routers delete "${router[@]}"
for address in "$IDENTITY" "$NODES"; do
  one=("$address" --project "$PROJECT")
  gone gcloud iam service-accounts describe "${one[@]}" -- \
    gcloud iam service-accounts delete "${one[@]}"
done
# Disks of volume claims outlive their cluster, and are paid for.
echo "see whether disks are left: gcloud compute disks list --project $PROJECT --filter 'name~^pvc- AND -users:*'"
echo "left: gcloud storage rm --recursive gs://$BUCKET"
echo "left: gcloud artifacts repositories delete hrgldd --project $PROJECT --location $LOCATION"
