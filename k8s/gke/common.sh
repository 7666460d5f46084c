# What the scripts of this folder share: the settings, and two ways to be run again.
# shellcheck shell=bash source=/dev/null disable=SC2034
source "$(dirname "${BASH_SOURCE[0]}")/../overlays/gke/settings.env"
NODES=hrgldd-nodes@$PROJECT.iam.gserviceaccount.com

there() { # a command that describes something: whether it is there
  "$@" >/dev/null 2>&1
}

patiently() { # a command; accounts that were just made are not known everywhere for a minute
  local try
  for try in 1 2 3 4 5 6; do
    "$@" && return
    echo "not accepted yet ($try of 6); once more in 15 s" >&2
    sleep 15
  done
  return 1
}

account() { # name, description
  there gcloud iam service-accounts describe "$1@$PROJECT.iam.gserviceaccount.com" \
    --project "$PROJECT" ||
    gcloud iam service-accounts create "$1" --project "$PROJECT" --display-name "$2"
}
