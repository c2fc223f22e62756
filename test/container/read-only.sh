# Runs a command where the container's root, its first argument, is read-only and nothing else can be written
# to but /proc. To be run in a mount namespace and a process namespace of its own.
set -e
root=$1
shift
mkdir -p "$root/proc"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
exec env --ignore-environment "$@"
