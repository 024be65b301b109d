#!/usr/bin/env bash
# Publishes an image to Amazon ECR and rolls it out by the GitOps repository.
#
#   publish.sh publish  --environment dev
#   publish.sh release  --environment prod --version v1.2.3
#   publish.sh rollback --environment prod --tag v1.2.2
#
# Needs: AWS_REGION, AWS_ACCOUNT_ID, AWS_ROLE_ARN, ECR_REPOSITORY, GITOPS_REPOSITORY, GITOPS_PAT,
# and what GitHub gives a job with `id-token: write`.
set -euo pipefail

ENVIRONMENT=""
VERSION=""
TAG=""
DRY_RUN="${DRY_RUN:-false}"
ATTEMPTS="${ATTEMPTS:-5}"
REGISTRY="${AWS_ACCOUNT_ID:-}.dkr.ecr.${AWS_REGION:-}.amazonaws.com"
IMAGE="$REGISTRY/${ECR_REPOSITORY:-}"
export AWS_DEFAULT_REGION="${AWS_REGION:-}"
SHA="$(git rev-parse HEAD)"
SHORT="${SHA::7}"
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT

# ---------------------------------------------------------------- helpers

log() {
  printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2
}

die() {
  printf '::error::%s\n' "$*" >&2
  exit 1
}

run() {
  if [ "$DRY_RUN" = true ]; then
    log "would run: $1 ..."
  else
    "$@"
  fi
}

retry() {
  local attempt=1
  until "$@"; do
    if [ "$attempt" -ge "$ATTEMPTS" ]; then
      return 1
    fi
    log "attempt $attempt failed, again in $((attempt * 2)) s: $1"
    sleep $((attempt * 2))
    attempt=$((attempt + 1))
  done
}

usage() {
  sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//'
}

require() {
  local name
  for name in "$@"; do
    if [ -z "${!name:-}" ]; then
      die "$name is not set"
    fi
  done
}

parse() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --environment) ENVIRONMENT="$2"; shift 2 ;;
      --version) VERSION="$2"; shift 2 ;;
      --tag) TAG="$2"; shift 2 ;;
      --dry-run) DRY_RUN=true; shift ;;
      *) usage; die "unknown option $1" ;;
    esac
  done
  case "$ENVIRONMENT" in
    dev | staging | prod) ;;
    *) die "--environment must be dev, staging or prod" ;;
  esac
}

# ---------------------------------------------------------------- AWS

identity_token() {
  curl --silent --show-error --fail --max-time 20 \
    --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" \
    | sed -E 's/.*"value" ?: ?"([^"]+)".*/\1/'
}

assume_role() {
  local token
  token="$(identity_token)"
  echo "::add-mask::$token"
  aws sts assume-role-with-web-identity \
    --role-arn "$AWS_ROLE_ARN" \
    --role-session-name "ci-${GITHUB_RUN_ID:-local}" \
    --web-identity-token "$token" \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' \
    --output text > "$WORK/credentials"
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN < "$WORK/credentials"
  echo "::add-mask::$AWS_SECRET_ACCESS_KEY"
  echo "::add-mask::$AWS_SESSION_TOKEN"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  rm "$WORK/credentials"
}

ensure_repository() {
  if aws ecr describe-repositories --repository-names "$ECR_REPOSITORY" > /dev/null 2>&1; then
    log "repository $ECR_REPOSITORY is there"
    return
  fi
  log "creating repository $ECR_REPOSITORY"
  run aws ecr create-repository \
    --repository-name "$ECR_REPOSITORY" \
    --image-scanning-configuration scanOnPush=true \
    --encryption-configuration encryptionType=AES256 > /dev/null
  cat > "$WORK/lifecycle.json" << 'JSON'
{
  "rules": [
    {
      "rulePriority": 1,
      "description": "Keep last 10 production images",
      "selection": {
        "tagStatus": "tagged", "tagPrefixList": ["prod-", "v"],
        "countType": "imageCountMoreThan", "countNumber": 10
      },
      "action": {"type": "expire"}
    },
    {
      "rulePriority": 2,
      "description": "Expire untagged images older than 7 days",
      "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7
      },
      "action": {"type": "expire"}
    }
  ]
}
JSON
  run aws ecr put-lifecycle-policy \
    --repository-name "$ECR_REPOSITORY" \
    --lifecycle-policy-text "file://$WORK/lifecycle.json" > /dev/null
}

login() {
  aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" > /dev/null
}

digest_of() {
  aws ecr batch-get-image \
    --repository-name "$ECR_REPOSITORY" \
    --image-ids "imageTag=$1" \
    --query 'images[0].imageId.imageDigest' --output text
}

image_exists() {
  local digest
  digest="$(digest_of "$1")"
  [ -n "$digest" ] && [ "$digest" != None ]
}

retag() {
  local from="$1" to="$2"
  if [ "$(digest_of "$from")" = "$(digest_of "$to")" ]; then
    log "$to is on $from already"
    return
  fi
  aws ecr batch-get-image \
    --repository-name "$ECR_REPOSITORY" \
    --image-ids "imageTag=$from" \
    --query 'images[0].imageManifest' --output text > "$WORK/manifest.json"
  run aws ecr put-image \
    --repository-name "$ECR_REPOSITORY" \
    --image-tag "$to" \
    --image-manifest "file://$WORK/manifest.json" > /dev/null
  log "tagged $to"
}

# ---------------------------------------------------------------- the image

build() {
  local tag options=()
  for tag in "$@"; do
    options+=(--tag "$IMAGE:$tag")
  done
  log "building $SHORT"
  docker buildx build \
    --provenance=false \
    --label "org.opencontainers.image.revision=$SHA" \
    --push "${options[@]}" .
}

# ---------------------------------------------------------------- GitOps

gitops_clone() {
  local url="${GITHUB_SERVER_URL/:\/\//:\/\/x-access-token:$GITOPS_PAT@}/$GITOPS_REPOSITORY"
  rm -rf "$WORK/gitops"
  git clone --quiet --depth 1 "$url" "$WORK/gitops"
}

gitops_edit() {
  local file="$WORK/gitops/overlays/$ENVIRONMENT/kustomization.yaml"
  if [ ! -f "$file" ]; then
    die "overlays/$ENVIRONMENT/kustomization.yaml is not there"
  fi
  sed -i -E "s|^( +newTag:) .*|\1 \"$1\"|" "$file"
}

gitops_push() {
  gitops_clone
  gitops_edit "$1"
  if git -C "$WORK/gitops" diff --quiet; then
    log "GitOps has $1 already"
    return
  fi
  git -C "$WORK/gitops" -c user.name=ci -c user.email=ci@example.com \
    commit --quiet --all --message "Deploy $ECR_REPOSITORY $1 to $ENVIRONMENT"
  run git -C "$WORK/gitops" push --quiet
}

roll_out() {
  retry gitops_push "$1" || die "could not push to $GITOPS_REPOSITORY"
  log "rolled out $1 to $ENVIRONMENT"
}

# ---------------------------------------------------------------- commands

publish() {
  ensure_repository
  login
  build "$SHA" "$SHORT" "$ENVIRONMENT-$SHORT" latest
  roll_out "$SHORT"
}

release() {
  require VERSION
  ensure_repository
  login
  if ! image_exists "$SHA"; then
    log "no image of $SHORT, building it"
    build "$SHA" "$SHORT"
  fi
  retag "$SHA" "$VERSION"
  retag "$SHA" "$ENVIRONMENT-$VERSION"
  roll_out "$VERSION"
}

rollback() {
  require TAG
  image_exists "$TAG" || die "there is no image $TAG"
  roll_out "$TAG"
}

main() {
  local command="${1:-}"
  if [ -z "$command" ]; then
    usage
    exit 2
  fi
  shift
  parse "$@"
  require AWS_REGION AWS_ACCOUNT_ID AWS_ROLE_ARN ECR_REPOSITORY GITOPS_REPOSITORY GITOPS_PAT
  require ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN
  retry assume_role || die "no credentials of $AWS_ROLE_ARN"
  case "$command" in
    publish | release | rollback) "$command" ;;
    *) usage; die "unknown command $command" ;;
  esac
  {
    echo "image=$IMAGE"
    echo "commit=$SHA"
  } >> "${GITHUB_OUTPUT:-/dev/null}"
}

main "$@"
