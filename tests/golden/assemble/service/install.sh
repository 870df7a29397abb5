#!/bin/sh
# Installs this package on a host without a package manager's help: `./install.sh help` tells how.
# shellcheck disable=SC1003,SC2016 # Nothing in a value means anything.
# shellcheck disable=SC2317,SC2329 # Functions are called by their names.
set -eu

pkg_name='greeter'
pkg_version='1.4.0'
pkg_sysusers='u greeter - "Greets whoever asks and says it'\''s here" /var/lib/greeter /usr/sbin/nologin
'
pkg_rotation='"/var/log/greeter/report.log" {
	weekly
	rotate 8
	missingok
	notifempty
	compress
	delaycompress
	copytruncate
	su greeter greeter
}'

# Each of these calls "$@" with what the package has.
pkg_tops() {
	:
	"$@" 'etc'
	"$@" 'usr'
}
pkg_services() {
	:
	"$@" 'greeter' '/usr/lib/greeter/launcher/greeter' 'greeter.service' 'greeter.service' 'yes' 'yes' 'restart'
	"$@" 'greeter-report' '/usr/lib/greeter/launcher/greeter-report' 'greeter-report.service' 'greeter-report.timer' 'yes' 'yes' 'restart'
}
pkg_units() {
	:
	"$@" 'greeter.service' '[Unit]
Description=Greets whoever asks, and says it'\''s "here"
Documentation=file:/usr/share/doc/greeter/
Wants=network-online.target
After=network-online.target
After=network.target

[Service]
Type=exec
User=greeter
Group=greeter
SupplementaryGroups=adm
WorkingDirectory=/var/lib/greeter
Environment="GREETER_ROOT=<BASE>/current/usr/lib/greeter/www"
Environment="GREETER_STATE=/var/lib/greeter"
Environment="GREETING=it'\''s \"100%%\" $HOME \\"
EnvironmentFile=-/etc/greeter/env
LoadCredential=GREETER_KEY:/etc/greeter/secrets/key
Environment=GREETER_KEY_FILE=%d/GREETER_KEY
LoadCredential=GREETER_TOKEN:/etc/greeter/secrets/token
ExecStartPre="<BASE>/current/usr/lib/greeter/launcher/greeter" hook pre-start
ExecStart="<BASE>/current/usr/lib/greeter/launcher/greeter" run
ExecStartPost="<BASE>/current/usr/lib/greeter/launcher/greeter" await
ExecStartPost="<BASE>/current/usr/lib/greeter/launcher/greeter" hook post-start
ExecReload=/bin/sh -c '\''kill -s HUP $$MAINPID'\''
ExecStop="<BASE>/current/usr/lib/greeter/launcher/greeter" hook pre-stop
ExecStopPost="<BASE>/current/usr/lib/greeter/launcher/greeter" hook post-stop
Restart=on-failure
RestartSec=5s
TimeoutStartSec=20s
TimeoutStopSec=10s
KillMode=control-group
KillSignal=SIGTERM
SuccessExitStatus=SIGTERM
LimitNOFILE=4096
TasksMax=64
MemoryMax=512M
CPUQuota=150%

StateDirectory=greeter
StateDirectoryMode=0750
CacheDirectory=greeter
CacheDirectoryMode=0750
LogsDirectory=greeter
LogsDirectoryMode=0750
RuntimeDirectory=greeter
RuntimeDirectoryMode=0755
ConfigurationDirectory=greeter
ConfigurationDirectoryMode=0755
UMask=0027
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
ProtectSystem=strict
CapabilityBoundingSet=
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target'
	"$@" 'greeter-report.service' '[Unit]
Description=Reports how many were greeted
Documentation=file:/usr/share/doc/greeter/

[Service]
Type=oneshot
User=greeter
Group=greeter
WorkingDirectory=/var/lib/greeter
ExecStart="<BASE>/current/usr/lib/greeter/bin/report"
Restart=no
RestartSec=5s
TimeoutStartSec=90s
TimeoutStopSec=30s
KillMode=control-group
KillSignal=SIGTERM
StandardOutput=append:/var/log/greeter/report.log
StandardError=append:/var/log/greeter/report.log

StateDirectory=greeter
StateDirectoryMode=0750
LogsDirectory=greeter
LogsDirectoryMode=0750
UMask=0027
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
ProtectSystem=strict
CapabilityBoundingSet=
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources'
	"$@" 'greeter-report.timer' '[Unit]
Description=Reports how many were greeted

[Timer]
OnCalendar=daily
Persistent=yes
Unit=greeter-report.service

[Install]
WantedBy=timers.target'
}
pkg_init_scripts() {
	:
	"$@" 'greeter' 'sysv' '#!/bin/sh
### BEGIN INIT INFO
# Provides:          greeter
# Required-Start:    $remote_fs $network $syslog
# Required-Stop:     $remote_fs $network $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Greets whoever asks, and says it'\''s "here"
### END INIT INFO
set -eu

launcher='\''<BASE>/current/usr/lib/greeter/launcher/greeter'\''
[ -x "$launcher" ] || exit 0
case ${1:-} in
start | stop | restart | reload | status) exec "$launcher" "$1" ;;
force-reload) "$launcher" reload || exec "$launcher" restart ;;
try-restart) ! "$launcher" status >/dev/null || exec "$launcher" restart ;;
*)
	echo "usage: $0 start|stop|restart|try-restart|reload|force-reload|status" >&2
	exit 2
	;;
esac
'
	"$@" 'greeter' 'openrc' '#!/sbin/openrc-run
# shellcheck shell=sh disable=SC2034 # OpenRC reads these.
name='\''greeter'\''
description='\''Greets whoever asks, and says it'\''\'\'''\''s "here"'\''
extra_started_commands="reload"
launcher='\''<BASE>/current/usr/lib/greeter/launcher/greeter'\''

depend() {
	need net
	use logger
}

start() {
	ebegin "Starting $name"
	"$launcher" start
	eend $?
}

stop() {
	ebegin "Stopping $name"
	"$launcher" stop
	eend $?
}

reload() {
	ebegin "Reloading $name"
	"$launcher" reload
	eend $?
}

status() {
	"$launcher" status
}
'
}
pkg_accounts() {
	:
	"$@" 'greeter' 'greeter' '' '' '' '/var/lib/greeter' '/usr/sbin/nologin' 'Greets whoever asks and says it'\''s here'
}
pkg_directories() {
	:
	"$@" '/etc/greeter' 'root' 'root' '0755'
	"$@" '/var/cache/greeter' 'greeter' 'greeter' '0750'
	"$@" '/var/lib/greeter' 'greeter' 'greeter' '0750'
	"$@" '/var/log/greeter' 'greeter' 'greeter' '0750'
}
pkg_owners() {
	:
}
pkg_capabilities() {
	:
}
pkg_configs() {
	:
	"$@" '/etc/greeter/env' 'root' 'greeter' '0640'
	"$@" '/etc/greeter/greeter.conf.in' 'root' 'root' '0644'
}
pkg_host_files() {
	:
}
pkg_secrets() {
	:
	"$@" '/etc/greeter/secrets/key'
	"$@" '/etc/greeter/secrets/token'
}
pkg_moved() {
	:
	"$@" '/etc/greeter/old.conf' '/etc/greeter/greeter.conf.in'
}
pkg_commands() {
	:
	"$@" '/usr/bin/greeter'
}
pkg_written() {
	:
	"$@" '/var/cache/greeter'
	"$@" '/var/lib/greeter'
	"$@" '/var/log/greeter'
	"$@" '/etc/greeter/secrets/key'
	"$@" '/etc/greeter/secrets/token'
}
pkg_logs() {
	:
}
pkg_script() {
	case $1 in
	'before-install') printf '%s' '#!/bin/sh
echo "before-install $*"
' ;;
	'after-install') printf '%s' '#!/bin/sh
echo "after-install $*"
' ;;
	'before-upgrade') printf '%s' '#!/bin/sh
echo "before-upgrade $*"
' ;;
	'after-upgrade') printf '%s' '#!/bin/sh
echo "after-upgrade $*"
' ;;
	'before-remove') printf '%s' '#!/bin/sh
echo "before-remove $*"
' ;;
	'after-remove') printf '%s' '#!/bin/sh
echo "after-remove $*"
' ;;
	'after-purge') printf '%s' '#!/bin/sh
echo "after-purge $*"
' ;;
	*) return 1 ;;
	esac
}

pkg_say() {
	printf '%s: %s\n' "$pkg_name" "$1" >&2
}

pkg_die() {
	pkg_say "$1"
	exit 1
}

pkg_usage() {
	pkg_say "$1"
	pkg_help >&2
	exit 2
}

# Where what belongs to the host goes: on the host itself for root; below the base for others, who may not write there.
pkg_place() {
	pkg_store=$pkg_base/.install
	pkg_host=$pkg_base
	if [ -e "$pkg_store/host" ] || { [ ! -d "$pkg_store" ] && [ "$(id -u)" = 0 ]; }; then
		pkg_host=
	fi
	pkg_systemd=
	if [ -z "$pkg_host" ] && [ -d /run/systemd/system ]; then
		pkg_systemd=yes
	fi
	pkg_tree=$pkg_base/releases/$pkg_version
}

# Refuses a place that cannot be.
pkg_judge() {
	if [ -z "$pkg_host" ] && [ "$(id -u)" != 0 ]; then
		pkg_die "$pkg_base was installed by root: run this as root, or name another folder by --base"
	fi
	case $pkg_base in
	*[\"\'\\\$[:cntrl:]]*)
		[ -z "$pkg_systemd" ] ||
			pkg_die "systemd's units cannot name a folder with a quote, \\, \$ or a control character: name another one by --base"
		;;
	esac
	mkdir -p "$pkg_base/releases" 2>/dev/null ||
		pkg_die "cannot write $pkg_base: run this as root, or name a folder of your own by --base"
	if [ ! -d "$pkg_store" ]; then
		# Whole at once: it tells whose the installation is.
		rm -rf "$pkg_store.tmp"
		mkdir "$pkg_store.tmp"
		[ -n "$pkg_host" ] || : >"$pkg_store.tmp/host"
		mv "$pkg_store.tmp" "$pkg_store"
	fi
}

# Puts a file made by a command in its place in one step: PLACE COMMAND...
pkg_write() {
	pkg_file=$1
	shift
	mkdir -p "${pkg_file%/*}"
	"$@" >"$pkg_file.tmp"
	mv -f "$pkg_file.tmp" "$pkg_file"
}

# Makes a link, or leads it elsewhere, in one step.
pkg_link() {
	rm -f "$2.tmp"
	ln -s "$1" "$2.tmp"
	mv -fT "$2.tmp" "$2" 2>/dev/null || {
		rm -f "$2.tmp"
		ln -sfn "$1" "$2"
	}
}

# Gives a path to its owner: PATH USER GROUP MODE. Only root can.
pkg_give() {
	[ -n "$pkg_host" ] || chown -h "$2:$3" "$1" 2>/dev/null || pkg_say "there is no $2:$3 to own $1"
	[ -L "$1" ] || chmod "$4" "$1"
}

pkg_has_group() {
	getent group "$1" >/dev/null 2>&1 || grep -q "^$1:" /etc/group
}

pkg_group() {
	pkg_has_group "$1" && return
	if command -v groupadd >/dev/null; then
		groupadd -r ${2:+-g "$2"} "$1"
	elif command -v addgroup >/dev/null; then
		addgroup -S ${2:+-g "$2"} "$1"
	else
		pkg_append /etc/group "$1:x:${2:-$(pkg_free_number)}:"
	fi
}

# A number that neither a user nor a group has: of those that system accounts get, from the last on.
pkg_free_number() {
	pkg_number=999
	while cut -d: -f3 /etc/passwd /etc/group | grep -qx "$pkg_number"; do
		pkg_number=$((pkg_number - 1))
	done
	printf '%s\n' "$pkg_number"
}

# Puts a line at the end of a file that may lack its last line end.
pkg_append() {
	[ -z "$(tail -c 1 "$1")" ] || echo >>"$1"
	printf '%s\n' "$2" >>"$1"
}

# NAME GROUP GROUPS UID GID HOME SHELL COMMENT
pkg_account() {
	pkg_group "$2" "$5"
	if ! id -u "$1" >/dev/null 2>&1; then
		pkg_shell=$7
		[ -x "$pkg_shell" ] || pkg_shell=/bin/false
		if command -v useradd >/dev/null; then
			useradd -r -M ${4:+-u "$4"} -g "$2" -d "$6" -s "$pkg_shell" -c "$8" "$1"
		elif command -v adduser >/dev/null; then
			adduser -S -D -H ${4:+-u "$4"} -G "$2" -h "$6" -s "$pkg_shell" -g "$8" "$1"
		else
			pkg_gid=$(grep "^$2:" /etc/group | cut -d: -f3)
			pkg_append /etc/passwd "$1:x:${4:-$(pkg_free_number)}:$pkg_gid:$8:$6:$pkg_shell"
		fi
	fi
	for pkg_one in $3; do
		pkg_group "$pkg_one" ''
		if command -v usermod >/dev/null; then
			usermod -a -G "$pkg_one" "$1"
		elif command -v addgroup >/dev/null; then
			addgroup "$1" "$pkg_one"
		elif ! id -nG "$1" | tr ' ' '\n' | grep -qx "$pkg_one"; then
			sed -i -e "/^$pkg_one:.*[^:]\$/s/\$/,$1/" -e "/^$pkg_one:.*:\$/s/\$/$1/" /etc/group
		fi
	done
}

pkg_make_accounts() {
	[ -z "$pkg_host" ] && [ -n "$pkg_sysusers" ] || return 0
	if command -v systemd-sysusers >/dev/null; then
		printf '%s\n' "$pkg_sysusers" | systemd-sysusers - && return
	fi
	pkg_accounts pkg_account
}

# A directory of the host: PATH USER GROUP MODE. One that is there stays as it is.
pkg_directory() {
	[ ! -d "$pkg_host$1" ] || return 0
	mkdir -p "$pkg_host$1"
	pkg_give "$pkg_host$1" "$2" "$3" "$4"
}

# An entry of the tree that is not root's, or has a mode of its own.
pkg_own() {
	[ ! -e "$pkg_tree$1" ] || pkg_give "$pkg_tree$1" "$2" "$3" "$4"
}

pkg_capability() {
	[ -z "$pkg_host" ] && [ -e "$pkg_tree$1" ] || return 0
	setcap "$2" "$pkg_tree$1" || pkg_say "cannot set the capabilities of $1"
}

pkg_secret() {
	[ ! -s "$pkg_host$1" ] || return 0
	mkdir -p "$pkg_host${1%/*}"
	(umask 077 && head -c 48 /dev/urandom | base64 >"$pkg_host$1.tmp")
	mv -f "$pkg_host$1.tmp" "$pkg_host$1"
}

# A config file that this version renames, or drops where there is no second name.
pkg_move() {
	[ -e "$pkg_host$1" ] || return 0
	if [ -n "$2" ]; then
		[ ! -e "$pkg_host$2" ] || return 0
		mkdir -p "$pkg_host${2%/*}" "$pkg_store/config${2%/*}"
		[ ! -e "$pkg_store/config$1" ] || mv -f "$pkg_store/config$1" "$pkg_store/config$2"
		mv -f "$pkg_host$1" "$pkg_host$2"
	elif cmp -s "$pkg_host$1" "$pkg_store/config$1"; then
		rm -f "$pkg_host$1" "$pkg_store/config$1"
	else
		mv -f "$pkg_host$1" "$pkg_host$1.old"
		rm -f "$pkg_store/config$1"
	fi
}

# Puts a file of the tree on the host: PATH USER GROUP MODE.
pkg_put() {
	mkdir -p "$pkg_host${1%/*}"
	rm -f "$pkg_host$1.tmp"
	(umask 077 && cp -P "$pkg_tree$1" "$pkg_host$1.tmp")
	pkg_give "$pkg_host$1.tmp" "$2" "$3" "$4"
	mv -f "$pkg_host$1.tmp" "$pkg_host$1"
}

# A config file: what nobody has changed since it was shipped follows the package; what was changed or removed stays, and
# a new one that differs from the shipped one comes beside it as FILE.new.
pkg_config() {
	[ -e "$pkg_tree$1" ] || return 0
	pkg_known=$pkg_store/config$1
	if [ ! -e "$pkg_host$1" ] && [ ! -L "$pkg_host$1" ]; then
		[ -e "$pkg_known" ] || pkg_put "$@"
	elif cmp -s "$pkg_tree$1" "$pkg_host$1"; then
		rm -f "$pkg_host$1.new"
	elif [ -e "$pkg_known" ] && cmp -s "$pkg_known" "$pkg_host$1"; then
		pkg_put "$@"
	elif [ ! -e "$pkg_known" ] || ! cmp -s "$pkg_known" "$pkg_tree$1"; then
		(umask 077 && cp "$pkg_tree$1" "$pkg_host$1.new")
		pkg_give "$pkg_host$1.new" "$2" "$3" "$4"
		pkg_say "$pkg_host$1 was changed and stays; the new one is $pkg_host$1.new"
	fi
	(umask 077 && pkg_write "$pkg_known" cat "$pkg_tree$1")
}

# What logrotate is told, where there is logrotate: as a config file, but that nothing may come beside it, which logrotate
# would read too.
pkg_rotate() {
	[ -z "$pkg_host" ] && [ -d /etc/logrotate.d ] || return 0
	pkg_known=$pkg_store/config/etc/logrotate.d/$pkg_name
	pkg_place_of_it=/etc/logrotate.d/$pkg_name
	if [ -z "$pkg_rotation" ]; then
		! cmp -s "$pkg_known" "$pkg_place_of_it" || rm -f "$pkg_place_of_it"
		rm -f "$pkg_known"
		return
	fi
	if [ -e "$pkg_known" ] || [ -e "$pkg_place_of_it" ]; then
		cmp -s "$pkg_known" "$pkg_place_of_it"
	fi && pkg_write "$pkg_place_of_it" printf '%s\n' "$pkg_rotation"
	pkg_write "$pkg_known" printf '%s\n' "$pkg_rotation"
}

# What of the host's own folders is no config file.
pkg_host_file() {
	if [ -e "$pkg_tree$1" ] || [ -L "$pkg_tree$1" ]; then
		pkg_put "$@"
	fi
}

# Where a command of the package gets a name.
pkg_name_of() {
	case $pkg_host:$1 in
	:*/sbin/*) pkg_link_name=/usr/local/sbin/${1##*/} ;;
	:*) pkg_link_name=/usr/local/bin/${1##*/} ;;
	*) pkg_link_name=$pkg_base/bin/${1##*/} ;;
	esac
}

pkg_is_ours() {
	case $(readlink "$1" 2>/dev/null) in "$pkg_base"/*) ;; *) return 1 ;; esac
}

pkg_add_command() {
	pkg_name_of "$1"
	if [ -e "$pkg_tree$1" ] || [ -L "$pkg_tree$1" ]; then
		if { [ -e "$pkg_link_name" ] || [ -L "$pkg_link_name" ]; } && ! pkg_is_ours "$pkg_link_name"; then
			pkg_say "$pkg_link_name is something else, and stays"
		else
			mkdir -p "${pkg_link_name%/*}"
			pkg_link "$pkg_base/current$1" "$pkg_link_name"
		fi
	fi
}

pkg_drop_command() {
	pkg_name_of "$1"
	! pkg_is_ours "$pkg_link_name" || rm -f "$pkg_link_name"
}

pkg_drop_config() {
	rm -f "$pkg_host$1" "$pkg_host$1.new" "$pkg_host$1.old"
}

# Directories of the package that are empty now, from the innermost on.
pkg_drop_directories() {
	pkg_directories pkg_print_path | sort -r | while read -r pkg_one; do
		rmdir "$pkg_host$pkg_one" 2>/dev/null || :
	done
}

pkg_print_path() {
	printf '%s\n' "$1"
}

pkg_drop_host_file() {
	rm -f "$pkg_host$1"
}

# Rotated log files, as logrotate calls them: with numbers or with dates.
pkg_drop_rotated() {
	rm -f "$pkg_host$1".[0-9]* "$pkg_host$1"-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*
}

pkg_drop_written() {
	rm -rf "$pkg_host$1" 2>/dev/null || pkg_say "cannot remove $pkg_host$1"
	rmdir "$pkg_host${1%/*}" 2>/dev/null || :
}

# Puts the folder into a text: TEXT FOLDER; the result is in pkg_filled.
pkg_fill() {
	pkg_rest=$1
	pkg_filled=
	while :; do
		case $pkg_rest in *"<BASE>"*) ;; *) break ;; esac
		pkg_filled=$pkg_filled${pkg_rest%%"<BASE>"*}$2
		pkg_rest=${pkg_rest#*"<BASE>"}
	done
	pkg_filled=$pkg_filled$pkg_rest
}

# A text in which one character is written as another text: TEXT CHARACTER OTHER; the result is in pkg_filled.
pkg_escape() {
	pkg_rest=$1
	pkg_filled=
	while :; do
		case $pkg_rest in *"$2"*) ;; *) break ;; esac
		pkg_filled=$pkg_filled${pkg_rest%%"$2"*}$3
		pkg_rest=${pkg_rest#*"$2"}
	done
	pkg_filled=$pkg_filled$pkg_rest
}

pkg_unit() {
	pkg_fill "$2" "$pkg_in_units"
	pkg_write "/etc/systemd/system/$1" printf '%s\n' "$pkg_filled"
	chmod 0644 "/etc/systemd/system/$1"
	printf '%s\n' "$1" >>"$pkg_store/units.new"
}

# Writes the units of this version, and removes those of another version that this one does not have.
pkg_write_units() {
	[ -n "$pkg_systemd" ] || return 0
	pkg_escape "$pkg_base" % %%
	pkg_in_units=$pkg_filled
	: >"$pkg_store/units.new"
	pkg_units pkg_unit
	pkg_drop_units "$pkg_store/units.new"
	mv -f "$pkg_store/units.new" "$pkg_store/units"
	systemctl daemon-reload
}

# Removes the units that are not in the list $1.
pkg_drop_units() {
	[ -e "$pkg_store/units" ] || return 0
	while read -r pkg_one; do
		grep -qxF -e "$pkg_one" "$1" && continue
		case $pkg_one in */*) ;; *)
			systemctl disable "$pkg_one" >/dev/null 2>&1 || :
			systemctl stop "$pkg_one" >/dev/null 2>&1 || :
			;;
		esac
		rm -f "/etc/systemd/system/$pkg_one"
		case $pkg_one in */*) rmdir "/etc/systemd/system/${pkg_one%/*}" 2>/dev/null || : ;; esac
	done <"$pkg_store/units"
}

pkg_init_script() {
	case $2 in
	openrc) [ -x /sbin/openrc-run ] || return 0 ;;
	*) [ ! -x /sbin/openrc-run ] || return 0 ;;
	esac
	pkg_escape "$pkg_base" "'" "'\\''"
	pkg_fill "$3" "$pkg_filled"
	pkg_write "/etc/init.d/$1" printf '%s\n' "$pkg_filled"
	chmod 0755 "/etc/init.d/$1"
	if [ "$2" = openrc ]; then
		rc-update add "$1" default >/dev/null || :
	elif command -v update-rc.d >/dev/null; then
		update-rc.d "$1" defaults >/dev/null || :
	elif command -v chkconfig >/dev/null; then
		chkconfig --add "$1" || :
	fi
}

pkg_write_init_scripts() {
	[ -z "$pkg_host$pkg_systemd" ] || return 0
	pkg_init_scripts pkg_init_script
}

pkg_drop_init_script() {
	[ -e "/etc/init.d/$1" ] || return 0
	if [ "$2" = openrc ]; then
		[ ! -x /sbin/openrc-run ] || rc-update delete "$1" default >/dev/null || :
	elif command -v update-rc.d >/dev/null; then
		update-rc.d -f "$1" remove >/dev/null || :
	elif command -v chkconfig >/dev/null; then
		chkconfig --del "$1" || :
	fi
	rm -f "/etc/init.d/$1"
}

# Stops the services of the version that is current which this one does not have, and takes their init scripts off the
# host. systemd's units stop when they are dropped.
pkg_stop_dropped() {
	[ -z "$pkg_systemd" ] && [ -e "$pkg_store/launchers" ] || return 0
	while read -r pkg_one pkg_two; do
		if [ -n "$(pkg_services pkg_print_if "$pkg_one")" ]; then
			continue
		fi
		[ ! -x "$pkg_base/current$pkg_two" ] || "$pkg_base/current$pkg_two" stop </dev/null >/dev/null || :
		if [ -z "$pkg_host" ] && grep -qsF "/current$pkg_two'" "/etc/init.d/$pkg_one"; then
			pkg_kind=sysv
			[ ! -x /sbin/openrc-run ] || pkg_kind=openrc
			pkg_drop_init_script "$pkg_one" "$pkg_kind"
		fi
	done <"$pkg_store/launchers"
}

# NAME-LOOKED-FOR NAME ...
pkg_print_if() {
	[ "$1" != "$2" ] || printf '%s\n' "$2"
}

# The functions below are called with what pkg_services tells: NAME LAUNCHER UNIT ENTRY ENABLE START ON-UPGRADE. A service
# that is started otherwise, or only in instances, has an entry of its own or none.

pkg_note_running() {
	if [ -n "$pkg_systemd" ]; then
		! systemctl --quiet is-active "$4" 2>/dev/null || printf '%s\n' "$1"
	elif [ "$3" = "$4" ] && [ -x "$pkg_base/current$2" ]; then
		! "$pkg_base/current$2" status >/dev/null 2>&1 || printf '%s\n' "$1"
	fi
}

pkg_ran() {
	grep -qxF -e "$1" "$pkg_store/running" 2>/dev/null
}

# Hooks of the version that is current: MOMENT ARGUMENT NAME LAUNCHER ...
pkg_hook() {
	[ ! -x "$pkg_base/current$4" ] || "$pkg_base/current$4" hook "$1" "$2"
}

pkg_enable() {
	[ -n "$pkg_systemd" ] && [ "$5" = yes ] || return 0
	systemctl enable --quiet "$4"
}

# A service starts where it is new, and starts again once where it ran.
pkg_start_one() {
	if pkg_is_new "$1"; then
		# A run that was killed may have started it.
		[ "$6" != yes ] || pkg_do restart "$@"
	elif pkg_ran "$1"; then
		case $7 in
		restart) pkg_do restart "$@" ;;
		reload) pkg_do reload "$@" ;;
		esac
	else
		[ -n "$pkg_back" ] || pkg_say "$1 was not running, and is left so"
	fi
}

# Whether no version of this package was installed, or none with this service.
pkg_is_new() {
	[ -z "$pkg_old" ] || ! grep -qxF -e "$1" "$pkg_store/services" 2>/dev/null
}

# restart, reload or stop: WORD NAME LAUNCHER UNIT ENTRY ...
pkg_do() {
	if [ -n "$pkg_systemd" ]; then
		if [ "$1" = reload ]; then
			systemctl reload-or-restart "$4"
		else
			systemctl "$1" "$5"
		fi
	elif [ "$4" = "$5" ] && [ -x "$pkg_base/current$3" ]; then
		"$pkg_base/current$3" "$1" >/dev/null
	fi
}

pkg_stop_one() {
	case $4 in *@.service)
		[ -z "$pkg_systemd" ] || systemctl stop "${4%.service}*.service" || :
		return 0
		;;
	esac
	pkg_do stop "$@" || :
}

# Whether what was started is still there, and ready.
pkg_check_one() {
	case $4 in *@.service) return 0 ;; esac
	if pkg_is_new "$1"; then
		[ "$6" = yes ] || return 0
	else
		pkg_ran "$1" || return 0
	fi
	if [ -n "$pkg_systemd" ] && ! systemctl --quiet is-active "$4"; then
		pkg_say "$1 does not run; systemctl status $3 tells more"
		return 1
	fi
	[ "$3" != "$4" ] || "$pkg_base/current$2" ping
}

pkg_state() {
	if [ -n "$pkg_systemd" ]; then
		pkg_word=$(systemctl is-active "$4") || pkg_worst=3
	elif [ "$3" = "$4" ]; then
		pkg_word=$("$pkg_base/current$2" status) || pkg_worst=3
	else
		pkg_word="not started here: it needs systemd"
	fi
	printf '%s: %s\n' "$1" "$pkg_word"
}

# The time at which a process began, by which a number that was used again is told from the one that was noted.
pkg_began() {
	{ read -r pkg_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ pkg_time _ <<END
${pkg_stat##*) }
END
	printf '%s\n' "$pkg_time"
}

# One run at a time; what was killed in the middle does not count.
pkg_locked() {
	pkg_judge
	until mkdir "$pkg_store/lock" 2>/dev/null; do
		pkg_holder=
		pkg_since=
		{ read -r pkg_holder pkg_since <"$pkg_store/lock/pid"; } 2>/dev/null || sleep 1
		if [ -n "$pkg_holder" ] && [ "$(pkg_began "$pkg_holder")" = "$pkg_since" ]; then
			pkg_die "another run is busy here, process $pkg_holder"
		fi
		rm -rf "$pkg_store/lock"
	done
	trap 'rm -rf "$pkg_store/lock"' EXIT
	trap 'exit 130' HUP INT TERM
	printf '%s %s\n' "$$" "$(pkg_began "$$")" >"$pkg_store/lock/pid"
	pkg_heal
	"$@"
}

# The version that is current; nothing if there is none.
pkg_current() {
	pkg_link_target=$(readlink "$pkg_base/current" 2>/dev/null) || return 0
	[ ! -d "$pkg_base/$pkg_link_target" ] || printf '%s\n' "${pkg_link_target##*/}"
}

# What a run that was killed left behind.
pkg_heal() {
	for pkg_one in "$pkg_base"/releases/.*.old; do
		[ -d "$pkg_one" ] || continue
		pkg_two=${pkg_one##*/.}
		pkg_two=$pkg_base/releases/${pkg_two%.old}
		if [ -d "$pkg_two" ]; then
			rm -rf "$pkg_one"
		else
			mv "$pkg_one" "$pkg_two"
		fi
	done
	rm -rf "$pkg_base"/releases/.*.new "$pkg_base/current.tmp"
}

pkg_copy_top() {
	if [ -e "$pkg_here/$1" ] || [ -L "$pkg_here/$1" ]; then
		cp -a "$pkg_here/$1" "$pkg_stage/$1"
	fi
}

# Copies the tree that this lies in to its place among the releases.
pkg_copy() {
	[ "$pkg_here" != "$pkg_tree" ] || return 0
	pkg_stage=$pkg_base/releases/.$pkg_version.new
	mkdir "$pkg_stage"
	pkg_tops pkg_copy_top
	cp "$pkg_here/${0##*/}" "$pkg_stage/install.sh"
	# Whoever unpacked it may have had another umask, or other numbers for its users.
	chmod -R u+rwX,go+rX,go-w "$pkg_stage"
	chmod 0755 "$pkg_stage/install.sh" "$pkg_stage"
	[ -n "$pkg_host" ] || chown -hR 0:0 "$pkg_stage"
	if [ -d "$pkg_tree" ]; then
		mv "$pkg_tree" "$pkg_base/releases/.$pkg_version.old"
	fi
	mv "$pkg_stage" "$pkg_tree"
	rm -rf "$pkg_base/releases/.$pkg_version.old"
}

# A script of the user: MOMENT ARGUMENT...
pkg_run_script() {
	pkg_text=$(pkg_script "$1" && echo .) || return 0
	shift
	FITOUT_ROOT=$pkg_tree sh -c "${pkg_text%.}" "$pkg_name" "$@"
}

# Runs a part of another version's install.sh: VERSION COMMAND OLD-VERSION [back]
pkg_of_version() {
	set -- "$@" ''
	FITOUT_OLD=$3 FITOUT_BACK=$4 sh "$pkg_base/releases/$1/install.sh" "$2" --base "$pkg_base" ${pkg_idle:+--no-start}
}

# Makes this version current, with all that the host must have for it; the files are there.
pkg_activate() {
	pkg_old=${FITOUT_OLD:-}
	pkg_back=${FITOUT_BACK:-}
	pkg_make_accounts
	pkg_directories pkg_directory
	pkg_owners pkg_own
	pkg_capabilities pkg_capability
	pkg_secrets pkg_secret
	pkg_moved pkg_move
	pkg_configs pkg_config
	pkg_host_files pkg_host_file
	pkg_rotate
	pkg_stop_dropped
	pkg_link "releases/$pkg_version" "$pkg_base/current"
	pkg_write_units
	pkg_write_init_scripts
	pkg_commands pkg_add_command
	if [ -z "$pkg_back" ]; then
		if [ -z "$pkg_old" ]; then
			pkg_run_script after-install
		else
			pkg_run_script after-upgrade "$pkg_old"
			pkg_services pkg_hook post-upgrade "$pkg_old"
		fi
	fi
	[ -n "$pkg_old" ] || pkg_services pkg_enable
	if [ -z "$pkg_idle" ]; then
		pkg_services pkg_start_one
		sleep 1
		pkg_services pkg_check_one
	fi
	pkg_write "$pkg_store/services" pkg_services pkg_print_name
	pkg_write "$pkg_store/launchers" pkg_services pkg_print_launcher
}

pkg_print_name() {
	printf '%s\n' "$1"
}

pkg_print_launcher() {
	printf '%s %s\n' "$1" "$2"
}

# Stops what runs, and takes it off the host.
pkg_deactivate() {
	pkg_services pkg_stop_one
	if [ -n "$pkg_systemd" ]; then
		pkg_drop_units /dev/null
		rm -f "$pkg_store/units"
		systemctl daemon-reload
	fi
	[ -n "$pkg_host" ] || pkg_init_scripts pkg_drop_init_script
	pkg_commands pkg_drop_command
	pkg_host_files pkg_drop_host_file
	rm -f "$pkg_base/current" "$pkg_store/services" "$pkg_store/launchers"
}

# Notes what ran before anything is touched; a run that was killed has noted it.
pkg_begin() {
	if [ -e "$pkg_store/pending" ]; then
		read -r pkg_old <"$pkg_store/pending" || :
		pkg_say "finishes what a run left that was killed"
		return
	fi
	pkg_old=$(pkg_current)
	pkg_write "$pkg_store/running" pkg_services pkg_note_running
	pkg_write "$pkg_store/pending" printf '%s\n' "$pkg_old"
}

pkg_end() {
	rm -f "$pkg_store/pending" "$pkg_store/running"
}

# What the user wants done before anything changes.
pkg_prepare() {
	pkg_old=${FITOUT_OLD:-}
	if [ -z "$pkg_old" ]; then
		pkg_run_script before-install
	else
		pkg_run_script before-upgrade "$pkg_old"
		pkg_services pkg_hook pre-upgrade "$pkg_version"
	fi
}

pkg_install() {
	[ "$pkg_command" != upgrade ] || [ -n "$(pkg_current)" ] || pkg_die "nothing is installed in $pkg_base"
	[ -z "$pkg_host" ] || pkg_say "not root: no accounts and no units; all of it lies in $pkg_base"
	pkg_begin
	pkg_copy
	if ! pkg_of_version "$pkg_version" prepare "$pkg_old"; then
		[ "$pkg_old" = "$pkg_version" ] || rm -rf "$pkg_tree"
		pkg_end
		pkg_die "nothing is changed"
	fi
	if pkg_of_version "$pkg_version" activate "$pkg_old"; then
		if [ "$pkg_old" != "$pkg_version" ]; then
			pkg_write "$pkg_store/previous" printf '%s\n' "$pkg_old"
		fi
		touch "$pkg_tree"
		pkg_end
		pkg_prune
		pkg_say "$pkg_version is installed in $pkg_base"
		return
	fi
	if [ -z "$pkg_old" ] || [ "$pkg_old" = "$pkg_version" ]; then
		pkg_of_version "$pkg_version" deactivate "$pkg_old"
		pkg_end
		pkg_die "$pkg_version did not start and is not installed; its files are in $pkg_tree"
	fi
	pkg_go_back "$pkg_old" "$pkg_version"
	rm -rf "$pkg_tree"
	pkg_end
	pkg_die "$pkg_version did not start; $pkg_old is back"
}

# Makes a version current that was before: VERSION FROM
pkg_go_back() {
	pkg_of_version "$1" activate "$2" back || pkg_die "$1 did not start either: see what its services wrote"
}

pkg_rollback() {
	pkg_begin
	[ -n "$pkg_old" ] || {
		pkg_end
		pkg_die "nothing is installed in $pkg_base"
	}
	if [ -z "$pkg_wanted" ]; then
		read -r pkg_wanted <"$pkg_store/previous" 2>/dev/null || :
	fi
	case $pkg_wanted in '' | */* | .*) pkg_wanted=none ;; esac
	if [ ! -d "$pkg_base/releases/$pkg_wanted" ] || [ "$pkg_wanted" = "$pkg_old" ]; then
		pkg_end
		pkg_die "there is no such version to go back to; these are there: $(pkg_versions | tr '\n' ' ')"
	fi
	if ! pkg_of_version "$pkg_wanted" activate "$pkg_old" back; then
		pkg_go_back "$pkg_old" "$pkg_wanted"
		pkg_end
		pkg_die "$pkg_wanted did not start; $pkg_old is back"
	fi
	pkg_write "$pkg_store/previous" printf '%s\n' "$pkg_old"
	touch "$pkg_base/releases/$pkg_wanted"
	pkg_end
	pkg_say "$pkg_wanted is current again in $pkg_base"
}

# Versions: the current one, the one before, the others by when they were current last. Not every ls tells apart what was
# within one second.
pkg_versions() {
	pkg_first=$(pkg_current)
	pkg_second=$(cat "$pkg_store/previous" 2>/dev/null) || pkg_second=
	for pkg_one in "$pkg_first" "$pkg_second"; do
		[ -z "$pkg_one" ] || [ ! -d "$pkg_base/releases/$pkg_one" ] || printf '%s\n' "$pkg_one"
	done
	# shellcheck disable=SC2012 # A version has no odd characters.
	ls -1t "$pkg_base/releases" 2>/dev/null | while read -r pkg_one; do
		case $pkg_one in "$pkg_first" | "$pkg_second") ;; *) printf '%s\n' "$pkg_one" ;; esac
	done
}

pkg_prune() {
	pkg_kept=0
	pkg_now=$(pkg_current)
	pkg_before=$(cat "$pkg_store/previous" 2>/dev/null) || pkg_before=
	for pkg_one in $(pkg_versions); do
		pkg_kept=$((pkg_kept + 1))
		case $pkg_one in "$pkg_now" | "$pkg_before") continue ;; esac
		[ "$pkg_kept" -le "$pkg_keep" ] || rm -rf "${pkg_base:?}/releases/$pkg_one"
	done
}

pkg_uninstall() {
	pkg_now=$(pkg_current)
	# Each version knows best what it brought.
	if [ -n "$pkg_now" ] && [ "$pkg_now" != "$pkg_version" ]; then
		rm -rf "$pkg_store/lock"
		exec sh "$pkg_base/releases/$pkg_now/install.sh" uninstall --base "$pkg_base" ${pkg_purge:+--purge}
	fi
	if [ -n "$pkg_now" ]; then
		pkg_run_script before-remove
		pkg_deactivate
		pkg_run_script after-remove
	fi
	rm -rf "$pkg_base/releases" "$pkg_base/current"
	[ -z "$pkg_host" ] || rmdir "$pkg_base/bin" 2>/dev/null || :
	pkg_end
	if [ -z "$pkg_purge" ]; then
		pkg_say "is removed from $pkg_base; its config files and its state stay"
		return
	fi
	pkg_configs pkg_drop_config
	[ -n "$pkg_host" ] || [ -z "$pkg_rotation" ] || pkg_drop_config "/etc/logrotate.d/$pkg_name"
	pkg_written pkg_drop_written
	pkg_logs pkg_drop_rotated
	pkg_secrets pkg_drop_written
	pkg_drop_directories
	pkg_run_script after-purge
	trap - EXIT
	rm -rf "$pkg_store"
	[ -z "$pkg_host" ] || rm -rf "$pkg_host/run" "${pkg_host:?}/var" "${pkg_host:?}/etc"
	rmdir "$pkg_base" 2>/dev/null || :
	pkg_say "is removed, with its config files and its state"
}

pkg_status() {
	pkg_now=$(pkg_current)
	[ -n "$pkg_now" ] || {
		pkg_say "is not installed in $pkg_base"
		exit 3
	}
	if [ "$pkg_now" != "$pkg_version" ]; then
		exec sh "$pkg_base/releases/$pkg_now/install.sh" status --base "$pkg_base"
	fi
	printf '%s %s in %s\n' "$pkg_name" "$pkg_now" "$pkg_base"
	pkg_worst=0
	pkg_services pkg_state
	exit "$pkg_worst"
}

pkg_list() {
	pkg_now=$(pkg_current)
	for pkg_one in $(pkg_versions); do
		if [ "$pkg_one" = "$pkg_now" ]; then
			printf '%s (current)\n' "$pkg_one"
		else
			printf '%s\n' "$pkg_one"
		fi
	done
}

pkg_help() {
	cat <<END
usage: ${0##*/} [COMMAND] [--base DIR] [--keep N] [--no-start]

  install             installs $pkg_name $pkg_version, or upgrades to it; the default
  upgrade             the same, where a version is installed
  rollback [VERSION]  goes back to the previous version, or to this one
  uninstall [--purge] removes it; with --purge its config files and its state, too
  status              whether its services run
  list                the versions that are there

  --base DIR          where it is installed: $pkg_default
  --keep N            how many versions are kept: 3
  --no-start          leaves the services as they are
END
}

pkg_main() {
	umask 022
	pkg_here=$(cd "$(dirname "$0")" && pwd -P)
	pkg_default=/opt/$pkg_name
	case $pkg_here in
	*/releases/*) [ ! -d "${pkg_here%/releases/*}/.install" ] || pkg_default=${pkg_here%/releases/*} ;;
	esac
	pkg_base=$pkg_default
	pkg_command=
	pkg_keep=3
	pkg_idle=
	pkg_purge=
	pkg_wanted=
	while [ $# -gt 0 ]; do
		case $1 in
		--base | --keep)
			[ $# -gt 1 ] || pkg_usage "$1 takes a value"
			if [ "$1" = --base ]; then pkg_base=$2; else pkg_keep=$2; fi
			shift
			;;
		--base=*) pkg_base=${1#*=} ;;
		--keep=*) pkg_keep=${1#*=} ;;
		--no-start) pkg_idle=yes ;;
		--purge) pkg_purge=yes ;;
		-h | --help) pkg_command=help ;;
		-*) pkg_usage "there is no option $1" ;;
		*)
			if [ -z "$pkg_command" ]; then
				pkg_command=$1
			elif [ "$pkg_command" = rollback ] && [ -z "$pkg_wanted" ]; then
				pkg_wanted=$1
			else
				pkg_usage "$1 is one word too many"
			fi
			;;
		esac
		shift
	done
	case $pkg_keep in '' | 0 | *[!0-9]*) pkg_usage "--keep takes a number from 1 on" ;; esac
	case $pkg_base in
	/ | '') pkg_usage "--base takes a folder of its own" ;;
	/*) ;;
	*) pkg_base=$PWD/$pkg_base ;;
	esac
	pkg_base=${pkg_base%/}
	pkg_place
	case ${pkg_command:-install} in
	install | upgrade) pkg_locked pkg_install ;;
	rollback) pkg_locked pkg_rollback ;;
	uninstall) pkg_locked pkg_uninstall ;;
	prepare) pkg_prepare ;;
	activate) pkg_activate ;;
	deactivate) pkg_deactivate ;;
	status) pkg_status ;;
	list) pkg_list ;;
	help) pkg_help ;;
	*) pkg_usage "there is no command $pkg_command" ;;
	esac
	exit
}

pkg_main "$@"
