chmod 644 fitout.toml
chmod 755 tree
chmod 600 tree/closed
chmod 640 tree/shut
chmod 6755 tree/raised
chmod 1777 tree/spool
# A folder hands setgid down to what is made in it, and mktemp closes what it makes.
mkdir -p shared/rel/sub made
chmod 2755 shared shared/rel shared/rel/sub
touch shared/rel/sub/x made/x
chmod 644 shared/rel/sub/x made/x
chmod 700 made
fitout lint
fitout explain /usr/lib/hello/shut >&2
# A umask that closes all of a checkout says nothing of one file.
chmod 600 fitout.toml
fitout lint --quiet
