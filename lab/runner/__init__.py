"""GitHub's runner, twice: `shim` starts a composite action's steps as the runner does, `act` runs a workflow."""
