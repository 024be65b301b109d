"""The lab: everything a publish talks to, on loopback, for the demo and the tests."""
