#!/bin/bash
# look.sh - fetch the guestbook's page and its stylesheet, as a browser would, and say what is next.
set -eu
URL=${URL:-http://127.0.0.1:8000}
page=$(curl -sSf --max-time 10 "$URL/")
title=$(grep -o '<title>[^<]*' <<<"$page" | sed 's/<title>//')
css=$(grep -o '/static/[^"]*\.css' <<<"$page" | head -n 1)
head=$(curl -sSf --max-time 10 -D - -o /dev/null "$URL$css")
cat <<EOF

  page        $URL/  "$title", rendered by Django from PostgreSQL
  stylesheet  $css
              served by $(grep -i '^server:' <<<"$head" | tr -d '\r' | cut -d' ' -f2) out of web's own directory

Next:
  open $URL/ and sign the guestbook
  build/minibox ps guestbook
  build/minibox logs -f guestbook
  build/minibox run --rm examples/django/stack.conf/web python3 manage.py createsuperuser
  build/minibox down guestbook              (what was written stays; --volumes removes it too)
EOF
