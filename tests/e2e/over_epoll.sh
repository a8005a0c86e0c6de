#!/bin/sh
# $RINGSEND_ITSELF over epoll: in place of it for tests of either ring.
command=${1:-}
case $command in
send | bench | probe | serve)
    shift
    exec "$RINGSEND_ITSELF" "$command" --io epoll "$@"
    ;;
esac
exec "$RINGSEND_ITSELF" "$@"
