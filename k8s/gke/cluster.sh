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
  compute.googleapis.com container.googleapis.com iam.googleapis.com iamcredentials.googleapis.com \
  storage.googleapis.com

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
    --release-channel regular --num-nodes 1 --machine-type e2-standard-8 --disk-size 100 --service-account "$NODES" \
    --workload-pool "$PROJECT.svc.id.goog" --enable-dataplane-v2 --enable-ip-alias \
    --enable-private-nodes --enable-shielded-nodes --autoscaling-profile optimize-utilization \
    --enable-managed-prometheus --monitoring SYSTEM,DCGM # the GPUs' exporter comes with these

# Private nodes reach STAC APIs and image registries outside of Google through this.
there gcloud compute routers describe "$CLUSTER" "${regional[@]}" ||
  gcloud compute routers create "$CLUSTER" "${regional[@]}" --network default
there gcloud compute routers nats describe "$CLUSTER" "${regional[@]}" --router "$CLUSTER" ||
  gcloud compute routers nats create "$CLUSTER" "${regional[@]}" --router "$CLUSTER" \
    --auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges

# Where GKE has a rule that lets the control plane reach private nodes, it is for ports 443 and 10250 only.
# Webhooks listen elsewhere: Kubeflow 4443, Knative, Katib and KFP 8443, Kueue and KServe 9443, Istio
# 15017; Kueue's own API 8082. Newer clusters have no such rule, and need none: their control plane comes
# in through the nodes.
master() { # a field of that rule
  gcloud compute firewall-rules list --project "$PROJECT" \
    --filter "name~^gke-$CLUSTER-[0-9a-z]+-master\$" --format "value($1.list())"
}
from=$(master sourceRanges)
tags=$(master targetTags)
[[ -z $from ]] || there gcloud compute firewall-rules describe "$CLUSTER-webhooks" --project "$PROJECT" ||
  gcloud compute firewall-rules create "$CLUSTER-webhooks" --project "$PROJECT" --network default \
    --direction INGRESS --source-ranges "$from" --target-tags "$tags" \
    --allow tcp:4443,tcp:8082,tcp:8443,tcp:9443,tcp:15017

pool() { # name, then options
  local name=$1
  shift
  there gcloud container node-pools describe "$name" "${common[@]}" --cluster "$CLUSTER" ||
    gcloud container node-pools create "$name" "${common[@]}" --cluster "$CLUSTER" \
      --num-nodes 0 --enable-autoscaling --total-min-nodes 0 --location-policy ANY \
      --workload-metadata GKE_METADATA --shielded-secure-boot --service-account "$NODES" "$@"
}
# Nothing reserves a task's scratch on a node's disk: disks hold that of all tasks that fit on a node.
# The label keeps tasks off the cluster's own nodes, whose disks are smaller.
cpu=(--machine-type n2d-standard-8 --disk-size 200 --node-labels hrgldd.org/pool=cpu)
# GKE taints GPU nodes nvidia.com/gpu=present:NoSchedule by itself, and installs driver and device plugin.
gpu=(--machine-type g2-standard-8 --disk-size 150
  --accelerator "type=nvidia-l4,count=1,gpu-driver-version=latest")
spot=(--spot --node-taints "cloud.google.com/gke-spot=true:NoSchedule")
pool cpu "${cpu[@]}" --total-max-nodes 4
pool cpu-spot "${cpu[@]}" --total-max-nodes 8 "${spot[@]}"
pool gpu "${gpu[@]}" --total-max-nodes 2
pool gpu-spot "${gpu[@]}" --total-max-nodes 6 "${spot[@]}"

gcloud container clusters get-credentials "$CLUSTER" "${common[@]}"
