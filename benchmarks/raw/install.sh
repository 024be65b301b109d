# install.sh HOW PYTHON LOCK FOLDER: an environment of the lock file by pip or uv, and boto3 imported in it.
if [ "$1" = uv ]; then
  uv venv --quiet --python "$2" "$4/venv"
  uv pip install --quiet --require-hashes --python "$4/venv/bin/python" --requirement "$3"
else
  "$2" -m venv "$4/venv"
  "$4/venv/bin/python" -m pip install --quiet --require-hashes --requirement "$3"
fi
"$4/venv/bin/python" -c "import boto3; boto3.client('ecr', 'us-east-1')"
