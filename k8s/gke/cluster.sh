#!/usr/bin/env bash
# A private-node cluster with workload identity and network policies (Dataplane V2), its pools, and the
# repository of our images. Node taints and labels are what pipelines/profiles.yaml and
# k8s/components/kueue count on. Pools of tasks shrink to nothing; change machine and GPU types to what
# your region has. LOCATION is a region. What is there already is left as it is.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=k8s/gke/common.sh
source common.sh

common=(--project "$PROJECT" --location "$LOCATION")
regional=(--project "$PROJECT" --region "$LOCATION")
gcloud services enable --project "$PROJECT" artifactregistry.googleapis.com \
  compute.googleapis.com container.googleapis.com iam.googleapis.com storage.googleapis.com

there gcloud artifacts repositories describe hrgldd "${common[@]}" ||
  gcloud artifacts repositories create hrgldd "${common[@]}" --repository-format docker

# The nodes' account: logs, metrics, and pulling our images. Pods never act as it.
account hrgldd-nodes "hrgldd nodes"
for role in roles/container.defaultNodeServiceAccount roles/artifactregistry.reader; do
  patiently gcloud projects add-iam-policy-binding "$PROJECT" \
    --member "serviceAccount:$NODES" --role "$role" --condition None
done

there gcloud container clusters describe "$CLUSTER" "${common[@]}" ||
  gcloud container clusters create "$CLUSTER" "${common[@]}" \
    --release-channel regular --num-nodes 1 --machine-type e2-standard-8 --service-account "$NODES" \
    --workload-pool "$PROJECT.svc.id.goog" --enable-dataplane-v2 --enable-ip-alias \
    --enable-private-nodes --enable-shielded-nodes --autoscaling-profile optimize-utilization

# Private nodes reach STAC APIs and image registries outside of Google through this.
there gcloud compute routers describe "$CLUSTER" "${regional[@]}" ||
  gcloud compute routers create "$CLUSTER" "${regional[@]}" --network default
there gcloud compute routers nats describe "$CLUSTER" "${regional[@]}" --router "$CLUSTER" ||
  gcloud compute routers nats create "$CLUSTER" "${regional[@]}" --router "$CLUSTER" \
    --auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges

pool() { # name, then options
  local name=$1
  shift
  there gcloud container node-pools describe "$name" "${common[@]}" --cluster "$CLUSTER" ||
    gcloud container node-pools create "$name" "${common[@]}" --cluster "$CLUSTER" \
      --num-nodes 0 --enable-autoscaling --total-min-nodes 0 --location-policy ANY \
      --workload-metadata GKE_METADATA --shielded-secure-boot --service-account "$NODES" "$@"
}
# Nothing reserves a task's scratch on a node's disk: disks hold that of all tasks that fit on a node.
cpu=(--machine-type n2d-standard-8 --disk-size 200)
# GKE taints GPU nodes nvidia.com/gpu=present:NoSchedule by itself, and installs driver and device plugin.
gpu=(--machine-type g2-standard-8 --disk-size 150
  --accelerator "type=nvidia-l4,count=1,gpu-driver-version=latest")
spot=(--spot --node-taints "cloud.google.com/gke-spot=true:NoSchedule")
pool cpu "${cpu[@]}" --total-max-nodes 4
pool cpu-spot "${cpu[@]}" --total-max-nodes 8 "${spot[@]}"
pool gpu "${gpu[@]}" --total-max-nodes 2
pool gpu-spot "${gpu[@]}" --total-max-nodes 6 "${spot[@]}"

gcloud container clusters get-credentials "$CLUSTER" "${common[@]}"
