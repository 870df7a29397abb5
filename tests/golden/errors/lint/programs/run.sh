chmod 644 bin/hello bin/asks
chmod 755 bin/works
fitout lint --config files.toml
fitout lint
