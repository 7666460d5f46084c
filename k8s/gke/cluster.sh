#!/usr/bin/env bash
# A private-node cluster with workload identity and network policies (Dataplane V2), and its pools. Node
# taints and labels are what pipelines/profiles.yaml and k8s/components/kueue count on. Pools of tasks
# shrink to nothing; change machine and GPU types to what your region has. LOCATION is a region.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=/dev/null
source ../overlays/gke/settings.env

common=(--project "$PROJECT" --location "$LOCATION")
gcloud container clusters create "$CLUSTER" "${common[@]}" \
  --release-channel regular --num-nodes 1 --machine-type e2-standard-4 \
  --workload-pool "$PROJECT.svc.id.goog" --enable-dataplane-v2 --enable-ip-alias \
  --enable-private-nodes --enable-shielded-nodes --autoscaling-profile optimize-utilization

# Private nodes reach STAC APIs and image registries outside of Google through this.
gcloud compute routers create "$CLUSTER" --project "$PROJECT" --region "$LOCATION" --network default
gcloud compute routers nats create "$CLUSTER" --project "$PROJECT" --region "$LOCATION" \
  --router "$CLUSTER" --auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges

pool() { # name, then options
  local name=$1
  shift
  gcloud container node-pools create "$name" "${common[@]}" --cluster "$CLUSTER" \
    --num-nodes 0 --enable-autoscaling --total-min-nodes 0 --location-policy ANY \
    --workload-metadata GKE_METADATA --shielded-secure-boot "$@"
}
spot=(--spot --node-taints "cloud.google.com/gke-spot=true:NoSchedule")
# GKE taints GPU nodes nvidia.com/gpu=present:NoSchedule by itself, and installs driver and device plugin.
gpu=(--machine-type g2-standard-8 --accelerator "type=nvidia-l4,count=1,gpu-driver-version=latest")
pool cpu --machine-type n2d-standard-8 --total-max-nodes 4
pool cpu-spot --machine-type n2d-standard-8 --total-max-nodes 8 "${spot[@]}"
pool gpu "${gpu[@]}" --total-max-nodes 2
pool gpu-spot "${gpu[@]}" --total-max-nodes 6 "${spot[@]}"

gcloud container clusters get-credentials "$CLUSTER" "${common[@]}"
