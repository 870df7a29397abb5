fitout lint
