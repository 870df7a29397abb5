# No git on the path.
PATH=$(dirname "$(command -v fitout)") fitout build --quiet
