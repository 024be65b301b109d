# The docker command alone, with all that a context means to it.
docker buildx build --output type=cacheonly .
