# The action as an image, for `uses: docker://...` and other CI systems. Inputs come as INPUT_<NAME>.
# It runs as root: GitHub mounts the workspace and its files with the runner's owner (their rule for container actions).
FROM python:3.13-slim-trixie

# git tells which commit is checked out; buildx is docker's plugin for builds.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends docker-buildx docker-cli git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*'

WORKDIR /action
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements.lock
COPY action.yml entrypoint.py LICENSE ./
COPY ecr_action/ ecr_action/

ENV ECR_PUBLISH_FORM=container
# No USER and no other WORKDIR at run time: the runner sets the folder to the workspace.
ENTRYPOINT ["python", "-I", "-u", "-X", "utf8", "/action/entrypoint.py"]
