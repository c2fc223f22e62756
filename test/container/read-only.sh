# Runs a command where the container's root, its first argument, is read-only and nothing else can be written to but
# /proc, and /data, which is the folder that its second argument names. To be run in a mount namespace and a process namespace of its own.
set -e
root=$1
data=$2
shift 2
mkdir -p "$root/proc"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --bind "$data" "$root/data"
exec env --ignore-environment "$@"
