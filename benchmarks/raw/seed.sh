# The platform document's pipeline, each of its steps by the AWS CLI, docker and git.
# configure-aws-credentials
token=$(curl --silent --fail --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | sed 's/.*"value": *"\([^"]*\)".*/\1/')
read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN < <("$AWS_CLI" sts assume-role-with-web-identity \
  --role-arn "$ROLE" --role-session-name seed --web-identity-token "$token" \
  --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
"$AWS_CLI" sts get-caller-identity >/dev/null
# amazon-ecr-login
mkdir "$RUNNER_TEMP/docker"
ln -s "$DOCKER_CONFIG/cli-plugins" "$RUNNER_TEMP/docker/cli-plugins"
export DOCKER_CONFIG="$RUNNER_TEMP/docker"
"$AWS_CLI" ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" >/dev/null 2>&1
# Ensure ECR repository exists
"$AWS_CLI" ecr describe-repositories --repository-names "$REPOSITORY" >/dev/null 2>&1 || \
  "$AWS_CLI" ecr create-repository --repository-name "$REPOSITORY" \
    --image-scanning-configuration scanOnPush=true --encryption-configuration encryptionType=AES256 >/dev/null
# Build and push image
docker buildx build --push --tag "$REGISTRY/$REPOSITORY:$GITHUB_SHA" --tag "$REGISTRY/$REPOSITORY:latest" .
# Update the GitOps repository
git clone --quiet "$GITOPS_URL" "$RUNNER_TEMP/gitops"
cd "$RUNNER_TEMP/gitops"
sed -i "s|image: .*/$REPOSITORY:.*|image: $REGISTRY/$REPOSITORY:$GITHUB_SHA|" "$GITOPS_FILE"
if ! git diff --quiet; then
  git -c user.name=bot -c user.email=bot@example.com commit --quiet --all --message "$REPOSITORY $GITHUB_SHA"
  git push --quiet
fi
