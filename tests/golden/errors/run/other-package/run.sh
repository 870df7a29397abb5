fitout build --quiet > /dev/null
code=0
fitout build --quiet --config agent.toml || code=$?
fitout build --quiet --config agent.toml --out dist/agent > /dev/null
# What nobody has any more is in nobody's way.
rm dist/server-1.0.0-*
fitout build --quiet --config agent.toml > /dev/null
rm -r dist
exit "$code"
