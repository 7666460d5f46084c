#!/usr/bin/env bash
# The bucket of results, and what in it goes away by itself (lifecycle.json): KFP's artifacts below kfp/
# after 30 days, strips of unfinished scenes (.work/**.npz.zst) after 14. What was deleted or replaced can
# be had back for a week (soft delete); versions would keep every strip for as long.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=k8s/gke/common.sh
source common.sh

there gcloud storage buckets describe "gs://$BUCKET" ||
  gcloud storage buckets create "gs://$BUCKET" --project "$PROJECT" --location "$LOCATION" \
    --uniform-bucket-level-access --public-access-prevention --soft-delete-duration 7d
gcloud storage buckets update "gs://$BUCKET" --lifecycle-file lifecycle.json
