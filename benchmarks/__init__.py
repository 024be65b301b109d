"""What the project's speed is held against: each benchmark writes its rows to results.json."""
