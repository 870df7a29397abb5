#!/bin/sh
# The runtime of the release that this script lies in.
self=$(readlink -f -- "$0")
BINDIR=${self%/*}
ROOTDIR=${ERL_ROOTDIR:-${BINDIR%/*/*}}
EMU=beam
PROGNAME=${0##*/}
export BINDIR ROOTDIR EMU PROGNAME
exec "$BINDIR/erlexec" "$@"
