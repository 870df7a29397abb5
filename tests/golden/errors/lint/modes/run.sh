chmod 644 fitout.toml
chmod 755 tree
chmod 600 tree/closed
chmod 640 tree/shut
chmod 6755 tree/raised
chmod 1777 tree/spool
fitout lint
fitout explain /usr/lib/hello/shut >&2
# A umask that closes all of a checkout says nothing of one file.
chmod 600 fitout.toml
fitout lint --quiet
