# shellcheck shell=bash
# Private container engines: a Podman API service and a dockerd that share nothing with what the machine already runs.
# Sourced by tests/run and deploy/quickstart. Everything lives in one folder DIR that the caller makes and, after stop_engines,
# deletes: storage, sockets, configuration, logs. Keep DIR short: Podman takes no run
# folder over 50 characters, which leaves 39 for DIR.
#
#   ensure_packages WORD…      installs what is missing (root on Debian or Ubuntu), else says what to install; false when something stays missing
#   start_podman DIR           serves unix://DIR/podman.sock
#   start_docker DIR           serves unix://DIR/docker.sock (needs root)
#   import_test_image DIR      makes localhost/logline-test:1 of busybox-static in every engine that DIR runs
#   list_containers DIR        the names of the containers that are there
#   stop_engines DIR           removes the containers, ends the engines, unmounts; safe to call twice, or when nothing runs

TEST_IMAGE=localhost/logline-test:1
ENGINE_START_SECONDS=120
PATH=$PATH:/usr/sbin:/sbin

say() { printf '==> %s\n' "$*" >&2; }

# --- packages -------------------------------------------------------------------------------------------------------------

# What a word needs beyond itself, and how to see that it is there. Libraries have no command, so they are asked of the linker.
have() {
    case $1 in
        # Read to its end: what writes into a pipe that nobody reads any more has failed, under pipefail.
        libsodium) ldconfig -p | grep 'libsodium\.so\.23' >/dev/null ;;
        libicu) ldconfig -p | grep 'libicuuc\.so' >/dev/null ;;
        podman) have_all podman runc conmon iptables && have_part netavark && have_part catatonit ;;
        docker) have_all dockerd docker iptables ip ;;
        node) have_all node npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] ;;
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have_all initdb postgres ;;
        busybox) [ -x /bin/busybox ] || [ -x /usr/bin/busybox ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

have_all() {
    local command
    for command; do command -v "$command" >/dev/null || return 1; done
}

# Podman's parts are no commands of the user's: distributions put them in different places.
have_part() { part_path "$1" >/dev/null; }

part_path() {
    local path
    for path in "/usr/lib/podman/$1" "/usr/libexec/podman/$1" "/usr/bin/$1"; do
        [ -x "$path" ] && echo "$path" && return
    done
    return 1
}

packages_of() {
    case $1 in
        libsodium) echo libsodium23 ;;
        libicu) apt-cache search --names-only '^libicu[0-9]+$' | sort -V | tail -n 1 | cut -d ' ' -f 1 ;;
        podman) echo podman runc conmon netavark aardvark-dns iptables catatonit ;;
        docker) echo docker.io iptables iproute2 ;;
        node) echo nodejs npm ;;
        busybox) echo busybox-static ;;
        promtool) echo prometheus ;;
        *) echo "$1" ;;
    esac
}

ensure_packages() {
    local word missing=() names status=0
    for word; do have "$word" || missing+=("$word"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "missing: ${missing[*]}. On Debian or Ubuntu, as root: apt-get install $(for word in "${missing[@]}"; do packages_of "$word"; done 2>/dev/null | tr '\n' ' ')"
        return 1
    fi
    say "installing ${missing[*]}"
    apt_get update
    for word in "${missing[@]}"; do
        read -ra names <<<"$(packages_of "$word")"
        apt_get install -y --no-install-recommends "${names[@]}" && have "$word" && continue
        say "$word could not be installed (${names[*]})"
        status=1
    done
    return $status
}

# Two runs on a fresh machine install at once: the second waits for the first.
apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null; }

# --- engines --------------------------------------------------------------------------------------------------------------

start_podman() {
    local dir=$1 PODMAN
    say "starting podman"
    mkdir -p "$dir/podman/net"
    write_podman_conf "$dir"
    [ "$(id -u)" != 0 ] || netavark_traces >"$dir/podman/before"
    podman_command "$dir"
    "${PODMAN[@]}" system service --time=0 "unix://$dir/podman.sock" >"$dir/podman.log" 2>&1 &
    echo $! >"$dir/podman.pid"
    await_engine podman "$dir"
}

start_docker() {
    local dir=$1 id
    say "starting docker"
    id=$(network_id "$dir")
    mkdir -p "$dir/docker"
    ip link delete "lld$id" 2>/dev/null # Left by an engine that was killed in this folder.
    ip link add "lld$id" type bridge && ip address add "10.213.$id.1/24" dev "lld$id" && ip link set "lld$id" up || return 1
    # No iptables: chains named DOCKER belong to the machine's own dockerd. The userland proxy publishes ports without them.
    dockerd --data-root "$dir/docker/data" --exec-root "$dir/docker/exec" --pidfile "$dir/docker.pid" -H "unix://$dir/docker.sock" \
        --config-file "$(empty_json "$dir")" --bridge "lld$id" --iptables=false --ip6tables=false --ip-masq=false >"$dir/docker.log" 2>&1 &
    await_engine docker "$dir"
}

import_test_image() {
    local dir=$1
    [ -S "$dir/podman.sock" ] || [ -S "$dir/docker.sock" ] || return 0
    say "importing $TEST_IMAGE"
    make_busybox_rootfs "$dir/rootfs"
    local changes=(--change 'CMD ["/bin/httpd","-f","-p","8080","-h","/www"]' --change 'ENV PATH=/bin')
    if [ -S "$dir/podman.sock" ]; then
        tar -C "$dir/rootfs" --owner 0 --group 0 -cf - . | engine_podman "$dir" import -q "${changes[@]}" - "$TEST_IMAGE" >/dev/null || return 1
    fi
    if [ -S "$dir/docker.sock" ]; then
        tar -C "$dir/rootfs" --owner 0 --group 0 -cf - . | docker -H "unix://$dir/docker.sock" import "${changes[@]}" - "$TEST_IMAGE" >/dev/null || return 1
    fi
}

# What containers there are, by name, on one line.
list_containers() {
    local dir=$1
    {
        [ -S "$dir/podman.sock" ] && engine_podman "$dir" ps -a --format '{{.Names}}'
        [ -S "$dir/docker.sock" ] && docker -H "unix://$dir/docker.sock" ps -a --format '{{.Names}}'
    } 2>/dev/null | tr '\n' ' '
}

stop_engines() {
    local dir=$1 pidfile id
    [ -d "$dir/podman" ] && engine_podman "$dir" rm --all --force --time 0 >/dev/null 2>&1
    [ -S "$dir/docker.sock" ] && docker -H "unix://$dir/docker.sock" ps -aq 2>/dev/null | xargs -r docker -H "unix://$dir/docker.sock" rm -f >/dev/null 2>&1
    for pidfile in "$dir/podman.pid" "$dir/docker.pid"; do end_process "$pidfile"; done
    id=$(network_id "$dir")
    ip link delete "lld$id" 2>/dev/null
    ip link delete "llp$id" 2>/dev/null
    # What an engine mounted below DIR, deepest first: a mount left there would keep the folder from being deleted.
    awk -v below="$dir/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount -l 2>/dev/null
    [ ! -f "$dir/podman/before" ] || netavark_traces | grep -vxF -f "$dir/podman/before" | forget_traces
    # Without root, what containers wrote belongs to users that only Podman can become.
    [ "$(id -u)" = 0 ] || [ ! -d "$dir/podman" ] || engine_podman "$dir" unshare rm -rf "$dir/podman" 2>/dev/null
    return 0
}

# --- parts ----------------------------------------------------------------------------------------------------------------

engine_podman() {
    local PODMAN
    podman_command "$1"
    shift
    "${PODMAN[@]}" "$@"
}

# Sets PODMAN to the words of the command, so that in the background it is the process itself and not a shell around it.
podman_command() {
    PODMAN=(env -C "$1" CONTAINERS_CONF="$1/podman/containers.conf" CONTAINERS_STORAGE_CONF="$1/podman/storage.conf"
        podman --root "$1/podman/root" --runroot "$1/podman/run" --tmpdir "$1/podman/tmp" --network-config-dir "$1/podman/net" --cgroup-manager cgroupfs)
}

# A number for this folder's bridge and subnet, so that two engines on one machine do not meet. 1 to 250.
network_id() { echo $(($(printf %s "$1" | cksum | cut -d ' ' -f 1) % 250 + 1)); }

# What Podman leaves on the machine when its last container has gone: firewall chains that nothing fills any more, rules that
# lead to them, and cgroups without processes. In the order in which they can be removed; one command each.
netavark_traces() {
    local table
    for table in filter nat; do
        iptables -t "$table" -S 2>/dev/null | sed -n "/ -j NETAVARK/s/^-A/iptables -t $table -D/p"
        iptables -t "$table" -S 2>/dev/null | sed -n "/^-A NETAVARK.* -j \(MARK\|MASQUERADE\)/s/^-A/iptables -t $table -D/p"
        iptables -t "$table" -S 2>/dev/null | sed -n "s/^-N \(NETAVARK[A-Z_-]*\)$/iptables -t $table -X \1/p"
    done
    find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' 2>/dev/null | sed 's/^/rmdir /'
}

# Removes the traces that it reads, unless a container publishes a port: its rules need them.
forget_traces() {
    local command
    ! iptables -t nat -S 2>/dev/null | grep '^-N NETAVARK-DN-' >/dev/null || return 0
    while read -r command; do xargs env <<<"$command" 2>/dev/null; done
}

# runc, because crun fails on hybrid cgroups; the ulimits, because a machine without CAP_SYS_RESOURCE cannot raise them; file
# locks, because the locks in /dev/shm are one set for all of a user's Podman instances.
write_podman_conf() {
    local dir=$1 id
    id=$(network_id "$dir")
    cat >"$dir/podman/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
init_path = "$(part_path catatonit)"
[network]
network_backend = "netavark"
default_network = "logline$id"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
CONF
    cat >"$dir/podman/storage.conf" <<CONF
[storage]
driver = "$(storage_driver "$dir")"
graphroot = "$dir/podman/root"
runroot = "$dir/podman/run"
CONF
    cat >"$dir/podman/net/logline$id.json" <<NET
{"name":"logline$id","id":"$(printf '%s' "$dir" | sha256sum | cut -c 1-64)","driver":"bridge","network_interface":"llp$id","created":"2025-01-01T00:00:00Z",
 "subnets":[{"subnet":"10.214.$id.0/24","gateway":"10.214.$id.1"}],"ipv6_enabled":false,"internal":false,"dns_enabled":false,"ipam_options":{"driver":"host-local"}}
NET
}

# Overlay does not stack on overlay (a CI job that is itself a container); copying always works.
storage_driver() { if [ "$(stat -f -c %T "$1")" = overlayfs ]; then echo vfs; else echo overlay; fi; }

# The smallest root file system that can serve HTTP: one static binary under all its names.
make_busybox_rootfs() {
    local root=$1 busybox name
    mkdir -p "$root"/{bin,etc,tmp,www,proc,sys,dev,home}
    for busybox in /bin/busybox /usr/bin/busybox; do [ -x "$busybox" ] && break; done
    cp -L "$busybox" "$root/bin/busybox"
    for name in $("$busybox" --list); do [ "$name" = busybox ] || ln -sf busybox "$root/bin/$name"; done
    chmod 1777 "$root/tmp"
    printf 'root:x:0:0:root:/:/bin/sh\nrunner:x:1000:1000:runner:/home:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nrunner:x:1000:\n' >"$root/etc/group"
    echo 'hello from logline' >"$root/www/index.html"
}

# An engine is up when it answers, not when its socket is there.
await_engine() {
    local name=$1 dir=$2 deadline=$((SECONDS + ENGINE_START_SECONDS))
    until curl -fsS --max-time 2 --unix-socket "$dir/$name.sock" http://engine/_ping >/dev/null 2>&1; do
        if [ $SECONDS -ge $deadline ] || ! kill -0 $! 2>/dev/null; then
            say "$name did not start; the end of its log:"
            tail -n 5 "$dir/$name.log" >&2
            return 1
        fi
        sleep 0.1
    done
}

end_process() {
    local pid tries=100
    [ -f "$1" ] && pid=$(cat "$1") || return 0
    kill "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { kill -9 "$pid" 2>/dev/null; break; }
        sleep 0.1
    done
    rm -f "$1"
}

empty_json() { echo '{}' >"$1/empty.json"; echo "$1/empty.json"; }
