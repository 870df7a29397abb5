#!/bin/sh
# Starts this release in the foreground. The launcher of a package has more commands, and keeps the cookie of a host.
set -eu

self=$(readlink -f -- "$0")
RELEASE_ROOT=${self%/bin/*}
RELEASE_PROG=${self##*/}
read -r erts RELEASE_VSN <<END
$(cat "$RELEASE_ROOT/releases/start_erl.data")
END
live=$RELEASE_ROOT/releases/$RELEASE_VSN
for file in "$live"/*.rel; do
	RELEASE_NAME=${file##*/}
	RELEASE_NAME=${RELEASE_NAME%.rel}
done
RELEASE_COMMAND=${1:-}
RELEASE_TMP=${RELEASE_TMP:-$RELEASE_ROOT/tmp}
RELEASE_MODE=${RELEASE_MODE:-embedded}

case $RELEASE_COMMAND in
start | foreground | eval) ;;
version)
	echo "$RELEASE_NAME $RELEASE_VSN"
	exit
	;;
*)
	echo "usage: $RELEASE_PROG start | eval EXPRESSION | version" >&2
	exit 64
	;;
esac

ROOTDIR=$RELEASE_ROOT
if [ ! -d "$ROOTDIR/erts-$erts" ]; then
	erl=$(command -v erl) || {
		echo "$RELEASE_PROG: this release has no Erlang of its own, and there is none on the PATH" >&2
		exit 69
	}
	ROOTDIR=$(readlink -f -- "$erl")
	ROOTDIR=${ROOTDIR%/bin/erl}
fi
BINDIR=$ROOTDIR/erts-$erts/bin
EMU=beam
PROGNAME=erl
export RELEASE_ROOT RELEASE_PROG RELEASE_VSN RELEASE_NAME RELEASE_COMMAND RELEASE_TMP RELEASE_MODE ROOTDIR BINDIR EMU PROGNAME

if [ -e "$live/env.sh" ]; then
	set +u
	# shellcheck source=/dev/null
	. "$live/env.sh"
	set -u
fi
RELEASE_SYS_CONFIG=${RELEASE_SYS_CONFIG:-$live/sys}
RELEASE_VM_ARGS=${RELEASE_VM_ARGS:-$live/vm.args}
export RELEASE_SYS_CONFIG RELEASE_VM_ARGS

boot=start
if [ "$RELEASE_COMMAND" = eval ]; then
	boot=start_clean
	[ $# -eq 2 ] || {
		echo "usage: $RELEASE_PROG eval EXPRESSION" >&2
		exit 64
	}
	expression=$2
fi
set -- -boot "$live/$boot" -boot_var RELEASE_LIB "$RELEASE_ROOT/lib" -boot_var ERTS_LIB_DIR "$ROOTDIR/lib" \
	-mode "$RELEASE_MODE" -noshell
[ ! -e "$RELEASE_SYS_CONFIG.config" ] || set -- "$@" -config "$RELEASE_SYS_CONFIG"
[ ! -e "$RELEASE_VM_ARGS" ] || set -- "$@" -args_file "$RELEASE_VM_ARGS"
if [ "$RELEASE_COMMAND" = eval ]; then
	if [ -e "$live/elixir" ]; then
		set -- "$@" -s elixir start_cli -extra -e "$expression"
	else
		set -- "$@" -eval "$expression" -s init stop
	fi
fi
exec "$BINDIR/erlexec" "$@"
