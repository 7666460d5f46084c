#!/usr/bin/env bash
# The bucket of results, and what in it goes away by itself (lifecycle.json): KFP's artifacts below kfp/
# after 30 days, strips of unfinished scenes (.work/**.npz.zst) after 14, replaced objects after 30.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=/dev/null
source ../overlays/gke/settings.env

gcloud storage buckets create "gs://$BUCKET" --project "$PROJECT" --location "$LOCATION" \
  --uniform-bucket-level-access --public-access-prevention
gcloud storage buckets update "gs://$BUCKET" --versioning --lifecycle-file lifecycle.json
