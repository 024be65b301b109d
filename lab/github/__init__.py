"""GitHub as the action meets it: REST, GraphQL and git over http, answered from bare git repositories on disk."""
