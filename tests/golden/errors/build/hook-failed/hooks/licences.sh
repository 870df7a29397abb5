echo "GPL-3.0 is not on the list" >&2
exit 1
