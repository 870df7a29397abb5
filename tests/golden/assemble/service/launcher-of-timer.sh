#!/bin/sh
# Starts, stops and watches a service: `help` tells the commands. Generated: changes do not outlive an upgrade.
# shellcheck disable=SC1003,SC2016 # Nothing in a value means anything.
set -eu

svc_name='greeter-report'
svc_about='Reports how many were greeted'
svc_version='1.4.0'
svc_path='/usr/lib/greeter/launcher/greeter-report'
svc_user='greeter'
svc_group='greeter'
svc_groups=''
svc_unit='greeter-report.service'
svc_entry='greeter-report.timer'
svc_starter='a timer'
svc_port=''
svc_least='5'
svc_start_timeout='90'
svc_stop_timeout='30'
svc_stop_signal='TERM'
svc_stop_whom='all'
svc_reload_signal=''
svc_open_files=''
svc_low_port=''
svc_hardened='yes'
svc_has_secrets=''
svc_log_is_own='yes'
svc_custom_names=''
svc_locked=
svc_word=

# Paths, once svc_root and svc_place are known.
svc_paths() {
	svc_home="$svc_place"'/var/lib/greeter'
	svc_work="$svc_place"'/var/lib/greeter'
	svc_log="$svc_place"'/var/log/greeter/report.log'
	svc_env_file=''
	svc_pid_file="$svc_place"'/run/greeter-report.pid'
}

# Each of these calls "$@" with what the service has.
svc_program() {
	"$@" "$svc_root"'/usr/lib/greeter/bin/report'
}
svc_reload_program() {
	"$@"
}
svc_environment() {
	:
}
svc_secrets() {
	:
}
svc_generated() {
	:
}
svc_directories() {
	:
	"$@" "$svc_place"'/var/lib/greeter' '0750'
	"$@" "$svc_place"'/var/log/greeter' '0750'
}
svc_configure() {
	:
}
svc_commands() {
	:
}
svc_custom() {
	svc_command=$1
	shift
	case $svc_command in
	*) exec "$svc_self.commands/$svc_command" "$@" ;;
	esac
}

svc_say() {
	printf '%s: %s\n' "$svc_name" "$1" >&2
}

# Ends with a status and a reason.
svc_die() {
	svc_say "$2"
	exit "$1"
}

# Finds this file and the tree that it belongs to. A package puts it at svc_path. In an unpacked archive the tree is a
# folder, and what the service writes lies in there as well; install.sh notes whether it lies on the host instead.
svc_find() {
	svc_self=$(readlink -f -- "$0") || svc_die 4 "cannot tell where $0 is"
	svc_root=
	svc_place=
	[ "$svc_self" != "$svc_path" ] && [ "$svc_self" != "$(readlink -f -- "$svc_path")" ] || return 0
	case $svc_self in
	*"$svc_path") svc_root=${svc_self%"$svc_path"} ;;
	*) svc_die 4 "this file must lie at $svc_path, in the root or in a folder: $svc_self" ;;
	esac
	svc_place=$svc_root
	svc_base=${svc_root%/releases/*}
	if [ "$svc_base" != "$svc_root" ] && [ -d "$svc_base/.install" ]; then
		svc_place=$svc_base
		[ ! -e "$svc_base/.install/host" ] || svc_place=
	fi
}

svc_is_root() {
	[ "$(id -u)" = 0 ]
}

# Whether systemd runs this as a part of the unit: it has set the environment then.
svc_by_systemd() {
	[ "$PPID" = 1 ] && [ -n "${INVOCATION_ID:-}" ] && [ -d /run/systemd/system ]
}

# Prints `svc_assign NAME 'value'` for each assignment of a file in the grammar of EnvironmentFile=, systemd.exec(5); of
# several with one name the last counts. Nothing of the file is run: each value is a word in quotes.
svc_assignments() {
	# A last line may have no end, which a quote that is open at the end of the file would get.
	{ cat "$1" && echo .; } | LC_ALL=C awk '
	function put() {
		sub(/[ \t\r\n]+$/, "", name)
		if (name !~ /^[A-Za-z_][A-Za-z0-9_]*$/ || name ~ /^(svc_.*|IFS)$/) return
		if (!(name in values)) names[++count] = name
		values[name] = value
	}
	function quoted(text,   out, i, c) {
		out = q
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			out = out (c == q ? q b q q : c)
		}
		return out q
	}
	{ text = text $0 "\n" }
	END {
		text = substr(text, 1, length(text) - 2)
		q = sprintf("%c", 39); d = "\""; b = "\\"; state = "start"
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			end = c == "\n" || c == "\r"
			blank = end || c == " " || c == "\t"
			if (state == "start") {
				if (c == "#" || c == ";") state = "comment"
				else if (!blank) { state = "name"; name = c }
			} else if (state == "comment") {
				if (end) state = "start"
			} else if (state == "name") {
				if (end) state = "start"
				else if (c == "=") { state = "before"; value = ""; kept = 0 }
				else name = name c
			} else if (state == "before") {
				if (end) { put(); state = "start" }
				else if (c == q) state = "single"
				else if (c == d) state = "double"
				else if (c == b) { state = "escape"; kept = length(value) }
				else if (!blank) { state = "value"; value = value c; kept = length(value) }
			} else if (state == "value") {
				if (end) { value = substr(value, 1, kept); put(); state = "start" }
				else if (c == b) { state = "escape"; kept = length(value) }
				else { value = value c; if (!blank) kept = length(value) }
			} else if (state == "escape") {
				state = "value"
				if (!end) { value = value c; kept = length(value) }
			} else if (state == "single") {
				if (c == q) state = "before"
				else value = value c
			} else if (state == "double") {
				if (c == d) state = "before"
				else if (c == b) state = "double escape"
				else value = value c
			} else {
				state = "double"
				if (index(d b "`$", c)) value = value c
				else if (c != "\n") value = value b c
			}
		}
		if (state == "value") value = substr(value, 1, kept)
		if (state != "start" && state != "comment" && state != "name") put()
		for (i = 1; i <= count; i++) print "svc_assign " names[i] " " quoted(values[names[i]])
	}'
}

# Sets a variable that is not set yet by a stronger word. The words, from strong to weak: what is given to a container or
# a foreground run, the file, the config. What every login sets is not given to the service.
svc_assign() {
	case " $svc_assigned " in *" $1 "*) return ;; esac
	svc_assigned="$svc_assigned $1"
	if [ -n "$svc_given" ] && eval "[ -n \"\${$1+set}\" ]"; then
		[ "$svc_given" != all ] || return 0
		case $1 in HOME | LANG | LOGNAME | PATH | PWD | SHELL | TERM | USER) ;; *) return 0 ;; esac
	fi
	export "$1=$2"
}

# A secret: its content into NAME, or a path into NAME_FILE. It is never an argument of a program.
svc_secret() {
	svc_file=$2
	if [ -n "${CREDENTIALS_DIRECTORY:-}" ] && [ -e "$CREDENTIALS_DIRECTORY/$1" ]; then
		svc_file=$CREDENTIALS_DIRECTORY/$1
	fi
	if [ "$3" = file ]; then
		svc_assign "$1_FILE" "$svc_file"
		return
	fi
	if [ -n "$svc_given" ] && eval "[ -n \"\${$1+set}\" ]"; then
		return
	fi
	if [ ! -r "$svc_file" ]; then
		# systemd has no credentials for what runs when a service stops.
		case $svc_word in *-stop) ! svc_by_systemd || return 0 ;; esac
		svc_die 4 "the secret $1 cannot be read from $svc_file"
	fi
	svc_assign "$1" "$(cat "$svc_file")"
}

# Makes a random secret where there is none, if it may: an installation has made it.
svc_make_secret() {
	[ ! -e "$1" ] || return 0
	(
		umask 077
		mkdir -p "${1%/*}" && head -c 48 /dev/urandom | base64 >"$1.new" && mv -f "$1.new" "$1"
	) 2>/dev/null || rm -f "$1.new" 2>/dev/null || :
}

# Whether this runs in a container whose first process is this launcher: what that was given is given to every command.
svc_contained() {
	[ "$$" != 1 ] || return 0
	case $({ tr '\0' ' ' </proc/1/cmdline; } 2>/dev/null) in *"$svc_path foreground "*) ;; *) return 1 ;; esac
}

# Sets the environment of the service, as its user. With `given`, what is there already is stronger.
svc_load() {
	svc_assigned=
	svc_given=${1:-}
	if svc_contained; then
		svc_given=all
	fi
	if ! svc_by_systemd; then
		if [ -n "${CREDENTIALS_DIRECTORY:-}" ] && [ -e "$CREDENTIALS_DIRECTORY/.environment" ]; then
			eval "$(cat "$CREDENTIALS_DIRECTORY/.environment")"
		elif [ -n "$svc_env_file" ] && [ -e "$svc_env_file" ]; then
			[ -r "$svc_env_file" ] || svc_die 4 "$svc_env_file cannot be read: run this as root"
			eval "$(svc_assignments "$svc_env_file")"
		fi
		svc_environment svc_assign
		svc_login=$(id -un 2>/dev/null || id -u)
		svc_assign HOME "$svc_home"
		svc_assign USER "$svc_login"
		svc_assign LOGNAME "$svc_login"
		svc_assign SHELL /bin/sh
	fi
	svc_secrets svc_secret
	unset SVC_CLEAN
}

# Whether there is something that only root may read.
svc_is_handed_over() {
	[ -n "$svc_env_file$svc_has_secrets" ]
}

# Puts what only root may read into a folder of the service's user: its own copies of the secrets, and the environment.
svc_hand_over() {
	rm -rf "$1"
	mkdir -p "${1%/*}"
	mkdir -m 0700 "$1"
	svc_folder=$1
	if [ -n "$svc_env_file" ] && [ -e "$svc_env_file" ]; then
		svc_assignments "$svc_env_file" >"$1/.environment"
	fi
	svc_secrets svc_hand_over_secret
	chmod -R u=rX,go= "$1"
	svc_number=$(svc_uid)
	chown -R "$svc_number" "$1"
	export CREDENTIALS_DIRECTORY="$1"
}

svc_hand_over_secret() {
	[ -r "$2" ] || svc_die 4 "the secret $1 is not there: $2"
	cat "$2" >"$svc_folder/$1"
}

# Prints the file $1 with ${NAME} and ${NAME:-default} filled from the environment; $${ stands for ${ itself. Lines that begin
# with $2 stay as they are.
svc_filled() {
	SVC_TOLD="$svc_name: $1" SVC_REMARK="${2:-}" awk '
		ENVIRON["SVC_REMARK"] != "" && $1 ~ "^" ENVIRON["SVC_REMARK"] { print; next }
		{
			rest = $0; out = ""
			while ((at = index(rest, "${")) > 0) {
				if (at > 1 && substr(rest, at - 1, 1) == "$") {
					out = out substr(rest, 1, at - 1) "{"
					rest = substr(rest, at + 2)
					continue
				}
				out = out substr(rest, 1, at - 1)
				rest = substr(rest, at + 2)
				close_at = index(rest, "}")
				inside = close_at ? substr(rest, 1, close_at - 1) : rest
				name = inside
				sub(/:-.*/, "", name)
				if (!close_at || name !~ /^[A-Za-z_][A-Za-z0-9_]*$/) {
					print ENVIRON["SVC_TOLD"] ":" NR ": not a ${NAME} or ${NAME:-default}: ${" inside >"/dev/stderr"
					failed = 1
				} else if (index(inside, ":-")) {
					out = out ((name in ENVIRON) && ENVIRON[name] != "" ? ENVIRON[name] : substr(inside, length(name) + 3))
				} else if (name == inside && (name in ENVIRON)) {
					out = out ENVIRON[name]
				} else {
					print ENVIRON["SVC_TOLD"] ":" NR ": " name " is not set" >"/dev/stderr"
					failed = 1
				}
				rest = close_at ? substr(rest, close_at + 1) : ""
			}
			print out rest
		}
		END { exit failed }' "$1"
}

# Fills a file into another with this mode, but for remarks that begin with $4.
svc_fill() {
	mkdir -p "${2%/*}"
	if ! (umask 077 && svc_filled "$1" "${4:-}" >"$2.new"); then
		rm -f "$2.new"
		return 1
	fi
	chmod "$3" "$2.new" && mv -f "$2.new" "$2"
}

# Runs the scripts of a moment, in the order of their names, as the service's user and with its environment.
svc_hook() {
	svc_moment=$1
	shift
	for svc_script in "$svc_self.hooks/$svc_moment"/*; do
		[ -x "$svc_script" ] || continue
		"$svc_script" "$@" || {
			svc_say "the $svc_moment hook ${svc_script##*/} failed"
			return 1
		}
	done
}

svc_uid() {
	id -u "$svc_user" 2>/dev/null || svc_die 4 "there is no account $svc_user to run as: install.sh makes it"
}

svc_gid_of() {
	svc_line=$(getent group "$1" 2>/dev/null || grep "^$1:" /etc/group) || svc_die 4 "there is no group $1"
	svc_line=${svc_line#*:*:}
	printf '%s\n' "${svc_line%%:*}"
}

# One word for a shell that reads it again.
svc_quote() {
	printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
}

# Whether this must still become the service's user.
svc_must_change() {
	[ "$svc_user" != root ] && svc_is_root
}

# Becomes the service's user, if this is root, and then the program "$@".
svc_become() {
	svc_must_change || exec "$@"
	svc_number=$(svc_uid)
	if setpriv --help 2>/dev/null | grep -q -e '--reuid'; then
		svc_list=$(id -G "$svc_user" | tr ' ' ',')
		for svc_one in $svc_groups; do
			svc_list=$svc_list,$(svc_gid_of "$svc_one")
		done
		svc_gid=$(svc_gid_of "$svc_group")
		[ -z "$svc_low_port" ] || set -- --inh-caps=+net_bind_service --ambient-caps=+net_bind_service -- "$@"
		[ -n "$svc_low_port" ] || set -- -- "$@"
		[ -z "$svc_hardened" ] || set -- --no-new-privs "$@"
		exec setpriv --reuid="$svc_number" --regid="$svc_gid" --groups="$svc_list" "$@"
	fi
	if command -v runuser >/dev/null; then
		exec runuser -u "$svc_user" -g "$svc_group" -- "$@"
	fi
	if command -v su >/dev/null; then
		svc_line='exec'
		for svc_one in "$@"; do
			svc_line="$svc_line $(svc_quote "$svc_one")"
		done
		exec su -s /bin/sh -c "$svc_line" "$svc_user"
	fi
	# A busybox of an installer has no su. It is told to look for a process that is not there, and so starts one.
	if command -v start-stop-daemon >/dev/null; then
		svc_one=$1
		shift
		exec start-stop-daemon -S -q -c "$svc_user:$svc_group" -p /nonexistent -x "$svc_one" -- "$@"
	fi
	svc_die 4 "none of setpriv, runuser, su and start-stop-daemon is here to run as $svc_user"
}

# Sets state, group and session, and the time at which a process began, by which a number that was used again is told
# from the one that was noted: proc(5), /proc/PID/stat. False if there is no such process or only what is left of one.
svc_look() {
	{ read -r svc_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -r svc_state _ svc_pgrp svc_session _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ svc_began _ <<END
${svc_stat##*) }
END
	[ "$svc_state" != Z ] && [ "$svc_state" != X ]
}

# Whether the process of the pid file runs, which it sets svc_pid to.
svc_running() {
	svc_pid=
	svc_noted=
	[ -r "$svc_pid_file" ] || return 1
	{ read -r svc_pid && read -r svc_noted; } <"$svc_pid_file" || return 1
	case $svc_pid in '' | *[!0-9]*) return 1 ;; esac
	svc_look "$svc_pid" && [ "$svc_began" = "$svc_noted" ]
}

# Prints the inodes of the sockets that listen on a TCP port: /proc/net/tcp, state 0A.
svc_listeners() {
	svc_hex=$(printf '%04X' "$1")
	for svc_table in /proc/self/net/tcp /proc/self/net/tcp6; do
		[ -r "$svc_table" ] || continue
		while read -r _ svc_local _ svc_state _ _ _ _ _ svc_inode _; do
			case $svc_local:$svc_state in *":$svc_hex:0A") echo "$svc_inode" ;; esac
		done <"$svc_table"
	done
}

# Whether one of the inodes $2 is a socket of the process $1 or of another of its session: the port may be someone
# else's. Where that cannot be seen, it is believed.
svc_holds() {
	ls "/proc/$1/fd/" >/dev/null 2>&1 || return 0
	svc_look "$1" || return 1
	svc_ours=$svc_session
	for svc_process in "/proc/$1" /proc/[0-9]*; do
		svc_look "${svc_process#/proc/}" || continue
		[ "$svc_session" = "$svc_ours" ] || continue
		svc_links=$(ls -l "$svc_process/fd/" 2>/dev/null) || continue
		for svc_inode in $2; do
			case $svc_links in *"socket:[$svc_inode]"*) return 0 ;; esac
		done
	done
	return 1
}

# Whether the service answers: with a process number, that this process does.
svc_ready() {
	[ -n "$svc_port" ] || return 0
	svc_inodes=$(svc_listeners "$svc_port")
	[ -n "$svc_inodes" ] || return 1
	[ -z "${1:-}" ] || svc_holds "$1" "$svc_inodes"
}

# A short rest; not every sleep takes fractions.
svc_rest() {
	sleep 0.2 2>/dev/null || sleep 1
}

svc_now() {
	date +%s
}

# Waits until the service is ready: 1 if its process died, 2 if it took too long. Without a port it is ready if it is
# still there after a moment.
svc_await() {
	svc_end=$(($(svc_now) + svc_start_timeout))
	svc_moments=0
	while :; do
		if [ -n "${1:-}" ]; then
			svc_look "$1" || return 1
		fi
		if svc_ready "${1:-}" && [ "$svc_moments" -ge "$svc_least" ]; then
			return 0
		fi
		[ "$(svc_now)" -lt "$svc_end" ] || return 2
		svc_moments=$((svc_moments + 1))
		svc_rest
	done
}

# One start or stop at a time; what was killed in the middle does not count.
svc_lock() {
	[ -z "$svc_locked" ] || return 0
	svc_end=$(($(svc_now) + svc_start_timeout + svc_stop_timeout))
	mkdir -p "${svc_pid_file%/*}" 2>/dev/null || svc_die 4 "cannot write ${svc_pid_file%/*}: run this as root"
	until mkdir "$svc_pid_file.lock" 2>/dev/null; do
		[ -d "$svc_pid_file.lock" ] || svc_die 4 "cannot write ${svc_pid_file%/*}: run this as root"
		svc_holder=$(cat "$svc_pid_file.lock/pid" 2>/dev/null) || svc_holder=
		if [ -n "$svc_holder" ] && ! svc_look "$svc_holder"; then
			rm -rf "$svc_pid_file.lock"
			continue
		fi
		[ "$(svc_now)" -lt "$svc_end" ] || svc_die 1 "another start or stop is busy, process ${svc_holder:-unknown}"
		svc_rest
	done
	svc_locked=yes
	trap 'rm -rf "$svc_pid_file.lock"' EXIT
	trap 'exit 130' HUP INT TERM
	echo "$$" >"$svc_pid_file.lock/pid"
	# A start that was killed may have begun a process that it did not note.
	if [ -s "$svc_pid_file.new" ]; then
		mv -f "$svc_pid_file.new" "$svc_pid_file"
	fi
}

# A directory that the service writes. An existing one stays as it is.
svc_directory() {
	[ ! -d "$1" ] || return 0
	mkdir -p "${1%/*}" || svc_die 4 "cannot make ${1%/*}"
	# It is there when it is the service's: this may be stopped at any moment.
	[ -d "$1.new" ] || mkdir -m "$2" "$1.new" || svc_die 4 "cannot make $1"
	svc_give "$1.new"
	mv "$1.new" "$1"
}

# Makes the service's user the owner, if this is root.
svc_give() {
	if svc_must_change; then
		svc_number=$(svc_uid)
		svc_gid=$(svc_gid_of "$svc_group")
		chown -h "$svc_number:$svc_gid" "$1"
	fi
}

# The log file, if it lies where only root may make it; in a directory of the service the service makes it.
svc_make_log() {
	mkdir -p "${svc_log%/*}"
	if [ -z "$svc_log_is_own" ] && [ ! -e "$svc_log" ]; then
		(umask 027 && set -C && : >"$svc_log")
		svc_give "$svc_log"
	fi
}

# Runs a command of this launcher as the service's user.
svc_as_user() {
	(svc_become "$svc_self" "$@")
}

# Runs a command of this launcher as the service's user, who gets what only root may read.
svc_with_secrets() {
	if svc_must_change && svc_is_handed_over; then
		trap 'rm -rf "$svc_pid_file.$$"' EXIT
		trap 'exit 130' HUP TERM
		trap : INT
		svc_hand_over "$svc_pid_file.$$"
		svc_as_user "$@"
	else
		svc_become "$svc_self" "$@"
	fi
}

svc_forget() {
	rm -rf "$svc_pid_file" "$svc_pid_file.new" "$svc_pid_file.credentials"
}

# Makes the process; of svc_start.
svc_spawn() {
	(
		exec 3>"$svc_pid_file.new" </dev/null
		if command -v setsid >/dev/null; then
			svc_become setsid "$svc_self" spawned
		fi
		# In the session of whoever starts it: it must not end with that.
		trap '' HUP
		svc_become "$svc_self" spawned
	) &
	svc_child=$!
	while [ ! -s "$svc_pid_file.new" ]; do
		svc_look "$svc_child" || svc_fail
		svc_rest
	done
}

svc_start() {
	svc_lock
	if svc_running; then
		svc_say "runs already, process $svc_pid"
		return 0
	fi
	svc_forget
	svc_directories svc_directory
	svc_generated svc_make_secret
	svc_make_log
	if svc_must_change && svc_is_handed_over; then
		svc_hand_over "$svc_pid_file.credentials"
	fi
	svc_as_user hook pre-start || svc_fail
	# shellcheck disable=SC3045 # dash and busybox know it.
	[ -z "$svc_open_files" ] || ulimit -n "$svc_open_files" || svc_die 1 "may not open $svc_open_files files"
	: >"$svc_pid_file.new"
	"svc_$1"
	mv -f "$svc_pid_file.new" "$svc_pid_file"
	svc_running || svc_fail
	svc_await "$svc_pid" || svc_fail "$?"
	MAINPID=$svc_pid svc_as_user hook post-start || svc_fail
	svc_say "started, process $svc_pid"
}

# The start failed: nothing of it is left.
svc_fail() {
	case ${1:-1} in
	2) svc_why="was not ready after $svc_start_timeout seconds" ;;
	*) svc_why="did not start" ;;
	esac
	svc_running && svc_end_process
	svc_forget
	if [ -s "$svc_log" ]; then
		svc_say "the last lines of $svc_log:"
		tail -n 10 "$svc_log" >&2
	fi
	svc_die 1 "$svc_why"
}

# Sends a signal to the process, or to its whole group if it has one of its own.
svc_signal() {
	if [ "$2" = all ] && [ -n "$svc_own_group" ]; then
		# Neither `--` nor `-s` before a group is understood by every shell.
		kill "-$1" "-$svc_pid" 2>/dev/null
	else
		kill "-$1" "$svc_pid" 2>/dev/null
	fi
}

# Asks the process to stop, and ends it and what is left of its group when its time is over.
svc_end_process() {
	svc_own_group=
	if [ "$svc_pgrp" = "$svc_pid" ] && [ "$svc_session" = "$svc_pid" ]; then
		svc_own_group=yes
	fi
	if ! svc_signal "$svc_stop_signal" "$svc_stop_whom" && svc_running; then
		svc_die 4 "may not send a signal to process $svc_pid: run this as root"
	fi
	svc_end=$(($(svc_now) + svc_stop_timeout))
	while svc_running; do
		if [ "$(svc_now)" -ge "$svc_end" ]; then
			svc_say "did not stop within $svc_stop_timeout seconds and is ended"
			svc_signal KILL all || :
			svc_end=$((svc_end + 10))
		fi
		svc_rest
	done
	[ -z "$svc_own_group" ] || svc_signal KILL all || :
}

svc_stop() {
	svc_lock
	if ! svc_running; then
		svc_forget
		svc_say "does not run"
		return 0
	fi
	if [ -d "$svc_pid_file.credentials" ]; then
		export CREDENTIALS_DIRECTORY="$svc_pid_file.credentials"
	fi
	export MAINPID="$svc_pid"
	svc_as_user hook pre-stop || :
	svc_end_process
	svc_as_user hook post-stop || :
	svc_forget
	svc_say "stopped"
}

# Whether systemd runs this service: it is there, and knows the unit.
svc_systemd() {
	[ -z "$svc_place" ] && [ -d /run/systemd/system ] && systemctl cat "$svc_unit" >/dev/null 2>&1
}

# An installed service is for root and for its own user; whoever has unpacked an archive runs what is in it.
svc_may() {
	svc_caller=$(id -u)
	[ -z "$svc_place" ] && [ "$svc_caller" != 0 ] || return 0
	svc_owner=$(id -u "$svc_user" 2>/dev/null) || svc_owner=$svc_caller
	[ "$svc_caller" = "$svc_owner" ] || svc_die 4 "run this as root or as $svc_user"
}

# Goes on as the service's user and with its environment: for root, this is run once more.
svc_change() {
	svc_may
	if [ -n "$svc_place" ]; then
		svc_directories svc_directory
		svc_generated svc_make_secret
	fi
	if svc_must_change; then
		unset CREDENTIALS_DIRECTORY
		svc_with_secrets "$@"
		exit
	fi
	svc_load
}

# Becomes the program: ExecStart of the unit, and the end of start and of foreground.
svc_run() {
	svc_by_systemd || cd "$svc_work"
	svc_hook pre-configure
	svc_configure svc_fill || svc_die 1 "its configuration cannot be filled"
	svc_hook post-configure
	umask 027
	svc_program exec
}

# What start has made a process for: it tells its number, and writes to the log from here on.
svc_spawned() {
	svc_look "$$"
	printf '%s\n%s\n' "$$" "$svc_began" >&3
	umask 027
	exec 3>&- >>"$svc_log" 2>&1
	svc_load
	svc_run
}

# Runs it here, as an image does.
svc_foreground() {
	! svc_running || svc_die 1 "runs already, process $svc_pid"
	svc_directories svc_directory
	svc_generated svc_make_secret
	if svc_must_change; then
		! svc_is_handed_over || svc_hand_over "$svc_pid_file.credentials"
		svc_become "$svc_self" foreground
	fi
	svc_load given
	svc_look "$$"
	{ printf '%s\n%s\n' "$$" "$svc_began" >"$svc_pid_file"; } 2>/dev/null || :
	svc_hook pre-start
	if [ -d "$svc_self.hooks/post-start" ]; then
		(svc_await "$$" && svc_hook post-start) &
	fi
	svc_run
}

# start, stop, restart and reload, where no systemd does it.
svc_manage() {
	[ -z "$svc_starter" ] || svc_die 3 "this service is started by $svc_starter, which needs systemd and its unit"
	svc_may
	# With an environment of its own, not that of whoever starts it.
	[ -n "${SVC_CLEAN:-}" ] || exec env -i SVC_CLEAN=yes LANG="${LANG:-C.UTF-8}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$svc_self" "$@"
	umask 022
	case $1 in
	start) svc_start spawn ;;
	stop) svc_stop ;;
	restart)
		svc_lock
		! svc_running || svc_stop
		svc_start spawn
		;;
	reload) svc_reload ;;
	esac
}

svc_reload() {
	svc_running || svc_die 7 "does not run"
	if [ -n "$svc_reload_signal" ]; then
		kill "-$svc_reload_signal" "$svc_pid" || svc_die 4 "may not send a signal to process $svc_pid"
	else
		export MAINPID="$svc_pid"
		svc_with_secrets reloading
	fi
}

svc_status() {
	if svc_running; then
		printf '%s is running, process %s\n' "$svc_name" "$svc_pid"
	elif [ ! -e /proc/1/stat ]; then
		printf '%s cannot be seen from here\n' "$svc_name"
		return 4
	elif [ -e "$svc_pid_file" ]; then
		printf '%s is dead, and its pid file %s is there\n' "$svc_name" "$svc_pid_file"
		return 1
	else
		printf '%s is stopped\n' "$svc_name"
		return 3
	fi
}

svc_logs() {
	svc_lines=100
	svc_follow=
	while getopts fn: svc_option; do
		case $svc_option in
		f) svc_follow=yes ;;
		n) svc_lines=$OPTARG ;;
		*) svc_die 2 "logs takes -f and -n LINES" ;;
		esac
	done
	[ -e "$svc_log" ] || svc_die 1 "there is no $svc_log yet"
	exec tail -n "$svc_lines" ${svc_follow:+-f} "$svc_log"
}

svc_main_pid() {
	if svc_systemd; then
		svc_pid=$(systemctl show --property=MainPID --value "$svc_unit")
	else
		svc_running || svc_pid=0
	fi
	[ "$svc_pid" != 0 ] || svc_die 3 "does not run"
	printf '%s\n' "$svc_pid"
}

svc_ping() {
	if [ -n "$svc_port" ]; then
		svc_ready
	elif svc_systemd; then
		systemctl --quiet is-active "$svc_unit"
	else
		svc_running
	fi || svc_die 1 "is not ready"
}

svc_describe() {
	printf '%s %s: %s\n' "$svc_name" "$svc_version" "$svc_about"
	if svc_systemd; then
		printf 'managed by:  systemd, %s\n' "$svc_unit"
	else
		printf 'managed by:  this script\npid file:    %s\nlog:         %s\n' "$svc_pid_file" "$svc_log"
	fi
	printf 'tree:        %s\nuser:        %s:%s\n' "${svc_root:-/}" "$svc_user" "$svc_group"
	printf 'program:    '
	svc_program printf ' %s'
	printf '\n'
	[ -z "$svc_env_file" ] || printf 'environment: %s\n' "$svc_env_file"
	svc_directories printf 'directory:   %s (%s)\n'
	svc_configure printf 'filled:      %s -> %s (%s)\n'
	svc_secrets printf 'secret:      %s from %s (%s)\n'
	[ -z "$svc_port" ] || printf 'ready:       when it listens on port %s\n' "$svc_port"
}

svc_help() {
	cat <<END
$svc_name $svc_version: $svc_about
usage: ${0##*/} COMMAND [ARGUMENT...]

  start, stop, restart, reload
  status           by the exit code: 0 runs, 1 died, 3 is stopped, 4 unknown
  foreground       runs it here, as a container does
  logs [-f] [-n N] what it wrote
  pid              the number of its process
  ping             whether it is ready, by the exit code
  version, describe, help
END
	svc_commands printf '  %-16s %s\n'
}

# A command of the config.
svc_other() {
	case " $svc_custom_names " in
	*" $1 "*)
		svc_change "$@"
		svc_custom "$@"
		;;
	esac
	svc_say "there is no command '$1'"
	svc_help >&2
	exit 2
}

svc_find
svc_paths
case ${1:-help} in
start | stop | restart | reload | status | logs)
	if svc_systemd; then
		svc_verb=$1
		shift
		case $svc_verb in
		status) exec systemctl --no-pager status "$svc_entry" "$@" ;;
		reload) exec systemctl reload "$svc_unit" ;;
		logs) exec journalctl --unit "$svc_unit" "$@" ;;
		*) exec systemctl "$svc_verb" "$svc_entry" ;;
		esac
	fi
	;;
esac
case ${1:-help} in
start | stop | restart | reload) svc_manage "$@" ;;
status) svc_status ;;
logs)
	shift
	svc_logs "$@"
	;;
foreground) svc_foreground ;;
spawned) svc_spawned ;;
run)
	svc_change "$@"
	svc_run
	;;
hook)
	svc_word=${2:-}
	[ -d "$svc_self.hooks/${2:-}" ] || exit 0
	svc_change "$@"
	shift
	svc_hook "$@"
	;;
reloading)
	svc_change "$@"
	svc_reload_program exec
	;;
await)
	# A strict unit hides the process from its own helpers; systemd sees whether it dies.
	svc_look "${MAINPID:-}" || MAINPID=
	svc_await "$MAINPID" || svc_die 1 "was not ready within $svc_start_timeout seconds"
	;;
pid) svc_main_pid ;;
ping) svc_ping "$@" ;;
version | --version) printf '%s %s\n' "$svc_name" "$svc_version" ;;
describe) svc_describe ;;
help | --help | -h) svc_help ;;
*) svc_other "$@" ;;
esac
