PATH="$(dirname "$(command -v fitout)")" fitout keys show
