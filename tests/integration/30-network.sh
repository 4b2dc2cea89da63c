#!/bin/bash
# needs: root. Real packets between the host, a LAN neighbour (a network namespace of the test's),
# and containers of two stacks.
#
# In a network of its own: who turned ip_forward on and whose tables drop is what it is about, and
# on a host with Docker or another stack those would answer instead. In a mount namespace of its
# own because it puts another /etc/resolv.conf in place, and names namespaces that others may too.
[ -n "${IT_OWN_NETWORK:-}" ] || IT_OWN_NETWORK=1 exec unshare -n -m bash "$0" "$@"
ip link set lo up
echo 0 >/proc/sys/net/ipv4/ip_forward
mkdir -p /run/netns && mount -t tmpfs netns /run/netns
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cat >"$W/a.conf" <<'EOF'
stack neta;
service web {
    image bb.tar; command sh -c "echo web of $$HOSTNAME >/tmp/index.html; exec httpd -f -p 80 -h /tmp";
    ports 18200:80 0.0.0.0:18201:80 198.51.100.1:18202:80;
    networks default { aliases www frontend; }
    stop_grace_period 1s;
}
service cli { image bb.tar; command sleep 1000; extra_hosts gate:host-gateway other:192.0.2.7; stop_grace_period 1s; }
service udp { image bb.tar; command sleep 1000; ports 18203:53/udp; stop_grace_period 1s; }
EOF
cat >"$W/b.conf" <<'EOF'
stack netb;
service b { image bb.tar; command sh -c "echo b >/tmp/index.html; exec httpd -f -p 80 -h /tmp"; stop_grace_period 1s; }
EOF
cd "$W" || exit 1
lan() { ip netns exec mbt-lan "$@"; }
host_get() { curl -sS --max-time 2 "$1"; }
in_a() { mb exec neta/cli "$@"; }
fetch() { in_a timeout 3 wget -q -O - "$1"; }
no() { if "$@"; then fail "worked, though it must not: $*"; fi; }
pid_of() { mb ps --json "$1" | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$2'][0])"; }
in_net_of() { local p; p=$(pid_of "$1" "$2"); shift 2; nsenter -t "$p" -n "$@"; }
cleanup_lan() {
	local n
	for n in '' 2; do
		ip netns del mbt-lan$n 2>/dev/null || true
		ip link del mbt-veth$n 2>/dev/null || true
	done
	for n in mbtforeign mbtcount; do nft delete table inet $n 2>/dev/null || true; done
}
# aim_at_loopback VIA: run in another namespace; its packets for 127.0.0.1 leave through VIA
aim_at_loopback() {
	sysctl -qw net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.eth0.route_localnet=1
	ip addr del 127.0.0.1/8 dev lo
	ip route del local 127.0.0.0/8 table local 2>/dev/null || true
	ip route add 127.0.0.1 via "$1" dev eth0
}
export -f aim_at_loopback
# how many packets for 127.0.0.1 came in from elsewhere, before any rule of minibox saw them
count_aimed() {
	nft delete table inet mbtcount 2>/dev/null || true
	nft 'table inet mbtcount { chain c { type filter hook prerouting priority -400; iifname != "lo" ip daddr 127.0.0.1 counter; }; }'
}
aimed() { nft list table inet mbtcount | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
trap cleanup_lan EXIT

test_a_lan_neighbour_for_the_tests() {
	for n in '' 2; do
		ip netns add mbt-lan$n
		ip link add mbt-veth$n type veth peer name eth0 netns mbt-lan$n
		ip link set mbt-veth$n up
		ip netns exec mbt-lan$n ip link set lo up
		ip netns exec mbt-lan$n ip link set eth0 up
	done
	ip addr add 198.51.100.1/25 dev mbt-veth
	ip addr add 198.51.100.129/25 dev mbt-veth2
	lan ip addr add 198.51.100.2/25 dev eth0
	lan ip route add default via 198.51.100.1
	ip netns exec mbt-lan2 ip addr add 198.51.100.130/25 dev eth0
	ip netns exec mbt-lan2 ip route add default via 198.51.100.129
	until_ok 5 lan busybox ping -c 1 -W 1 198.51.100.1
	eq "$(cat /proc/sys/net/ipv4/ip_forward)" 0
}
test_up_says_what_bypasses_the_firewall() {
	status 0 mb up -d a.conf
	has "$OUT" "port 18201 is open to other machines and bypasses the host's INPUT rules"
	hasnt "$OUT" 'port 18200 is open'
	status 0 mb up -d b.conf
	eq "$(cat /proc/sys/net/ipv4/ip_forward)" 1
}
test_loopback_port_is_for_this_machine_alone() {
	has "$(host_get http://127.0.0.1:18200/)" 'web of'
	no lan curl -sS --max-time 2 http://198.51.100.1:18200/
	no mb exec netb/b timeout 3 wget -q -O - http://198.51.100.1:18200/
	no mb exec netb/b timeout 3 wget -q -O - http://127.0.0.1:18200/
	# a neighbour that sends to 127.0.0.1 through this machine on purpose
	count_aimed
	ip netns exec mbt-lan2 bash -c 'aim_at_loopback 198.51.100.129'
	no ip netns exec mbt-lan2 curl -sS --max-time 2 http://127.0.0.1:18200/
	[ "$(aimed)" -gt 0 ] || fail "no packet was sent: this shows nothing"
	nft delete table inet mbtcount
}
test_published_addresses_answer_the_lan_and_the_host() {
	has "$(lan curl -sS --max-time 3 http://198.51.100.1:18201/)" 'web of'
	has "$(lan curl -sS --max-time 3 http://198.51.100.1:18202/)" 'web of'
	has "$(host_get http://198.51.100.1:18202/)" 'web of'
	has "$(host_get http://127.0.0.1:18201/)" 'web of'
	no host_get http://127.0.0.1:18202/
}
test_unpublished_port_cannot_be_routed_to() {
	web=$(in_a sh -c 'grep -w web /etc/hosts | cut -f1')
	has "$(host_get "http://$web/")" 'web of'
	no lan curl -sS --max-time 2 "http://$web/"
}
test_container_cannot_reach_the_hosts_loopback() {
	busybox httpd -f -p 127.0.0.1:18210 -h "$W" & srv=$!
	until_ok 5 curl -sS -o /dev/null http://127.0.0.1:18210/
	gw=$(in_a sh -c 'grep -w gate /etc/hosts | cut -f1')
	no fetch http://127.0.0.1:18210/
	no fetch "http://$gw:18210/"
	has "$(ip -o -4 addr)" " $gw/" # host-gateway is an address of this host
	# even with a packet that is sent to 127.0.0.1 through the bridge on purpose
	count_aimed
	in_net_of neta cli bash -c "aim_at_loopback $gw"
	for p in 18210 18200; do no in_net_of neta cli curl -sS --max-time 2 http://127.0.0.1:$p/; done
	[ "$(aimed)" -gt 0 ] || fail "no packet was sent: this shows nothing"
	nft delete table inet mbtcount
	kill $srv
	status 0 mb up -d --force-recreate a.conf cli
}
test_stacks_do_not_reach_each_other() {
	web=$(in_a sh -c 'grep -w web /etc/hosts | cut -f1') b=$(mb exec netb/b hostname -i)
	no fetch "http://$b/"
	no mb exec netb/b timeout 3 wget -q -O - "http://$web/"
	has "$(mb exec netb/b timeout 3 wget -q -O - http://198.51.100.1:18201/)" 'web of'
}
test_names_aliases_and_a_ports_own_service() {
	for n in web www frontend; do has "$(fetch http://$n/)" 'web of'; done
	eq "$(in_a sh -c 'grep -w other /etc/hosts | cut -f1')" 192.0.2.7
	has "$(mb exec neta/web timeout 3 wget -q -O - http://198.51.100.1:18201/)" 'web of'
}
test_egress_is_masqueraded_and_foreign_traffic_not_forwarded() {
	# tells whom it sees; two requests are enough
	ip netns exec mbt-lan /usr/bin/python3 -c '
import socket
s = socket.create_server(("198.51.100.2", 80))
while True:
    c, peer = s.accept(); c.recv(4096)
    c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + peer[0].encode()); c.close()' & srv=$!
	until_ok 5 lan curl -sS -o /dev/null http://198.51.100.2/
	eq "$(fetch http://198.51.100.2/)" 198.51.100.1
	no ip netns exec mbt-lan2 curl -sS --max-time 2 http://198.51.100.2/
	kill $srv
}
test_udp() {
	nsenter -t "$(pid_of neta udp)" -n /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 53))
while True: s.sendto(*s.recvfrom(100))' & srv=$!
	ask() { /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.sendto(b"ping", ("127.0.0.1", 18203)); print(s.recv(100).decode())'; }
	until_ok 5 ask # the server has to start first
	out=$(ask)
	kill $srv
	eq "$out" ping
}
test_address_stays_when_a_service_is_made_anew() {
	before=$(mb exec neta/web hostname -i)
	status 0 mb up -d --force-recreate a.conf web
	eq "$(mb exec neta/web hostname -i)" "$before"
}
test_hosts_of_a_running_service_learns_of_a_new_one() {
	sed '$a service late { image bb.tar; stop_grace_period 1s; }' a.conf >a2.conf
	before=$(pid_of neta cli)
	status 0 mb up -d a2.conf
	eq "$(pid_of neta cli)" "$before"
	has "$(in_a cat /etc/hosts)" late
	status 0 mb up -d a.conf
	hasnt "$(in_a cat /etc/hosts)" late
}
test_resolv_conf_has_no_loopback_server() {
	hasnt "$(in_a cat /etc/resolv.conf)" 'nameserver 127.'
	printf 'nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.53\nsearch lan\n' >resolv
	mount --bind resolv /etc/resolv.conf
	status 0 mb up -d --force-recreate a.conf cli
	umount /etc/resolv.conf
	eq "$(in_a grep nameserver /etc/resolv.conf)" 'nameserver 192.0.2.53'
}
test_foreign_forward_drop_is_told_with_a_remedy_that_works() {
	ip netns exec mbt-lan busybox httpd -f -p 198.51.100.2:80 -h "$W" & srv=$!
	until_ok 5 in_a timeout 3 wget -q -O - http://198.51.100.2/b.conf
	nft 'table inet mbtforeign { chain mbtforward { type filter hook forward priority 0; policy drop; }; }'
	was=$(nft list table inet mbtforeign)
	status 0 mb up -d --force-recreate b.conf
	has "$OUT" "table 'inet mbtforeign' chain 'mbtforward'"
	remedy=${OUT##*to allow them: } remedy=${remedy%%$'\n'*}
	has "$(host_get http://127.0.0.1:18200/)" 'web of'
	no fetch http://198.51.100.2/b.conf
	eq "$(nft list table inet mbtforeign)" "$was"
	sh -ec "$remedy"
	has "$(fetch http://198.51.100.2/b.conf)" netb
	has "$(mb exec netb/b timeout 3 wget -q -O - http://198.51.100.2/b.conf)" netb
	status 0 mb up -d --force-recreate b.conf
	hasnt "$OUT" mbtforeign
	nft 'flush table inet mbtforeign' # and back: `down` at the end must leave it alone
	eq "$(nft list table inet mbtforeign)" "$was"
	kill $srv
}
test_another_pool_and_a_full_one() {
	printf 'stack netc;\nservice c { image bb.tar; stop_grace_period 1s; }\n' >c.conf
	ip route add blackhole 10.99.0.0/25
	MINIBOX_POOL=10.99.0.0/23 status 0 mb up -d c.conf
	eq "$(mb exec netc/c hostname -i | cut -d. -f1-3)" 10.99.1
	sed 's/netc/netd/' c.conf >d.conf
	MINIBOX_POOL=10.99.0.0/23 status 1 mb up -d d.conf
	has "$OUT" 10.99.0.0/23
	ip route del blackhole 10.99.0.0/25
	MINIBOX_POOL=nonsense status 1 mb up -d d.conf
	has "$OUT" nonsense
	status 0 mb down netc
	hasnt "$(mb ps -a)" netd
}
test_many_at_once() {
	for i in 1 2 3 4 5; do
		printf 'stack many%s;\nservice a { image bb.tar; ports %s:80; stop_grace_period 1s; }\nservice b { image bb.tar; stop_grace_period 1s; }\n' $i $((18220 + i)) >m$i.conf
		"$MINIBOX" up -d m$i.conf >m$i.out 2>&1 & pids[i]=$!
	done
	"$MINIBOX" up -d m1.conf >m1b.out 2>&1 & pids[6]=$!
	for p in "${pids[@]}"; do wait "$p" || fail "$(cat m*.out)"; done
	eq "$(mb ps -a --json | grep -c '"address": "10\.')" 14 # and four of neta and netb
	eq "$(mb ps -a --json | grep '"address"' | sort | uniq -d)" ''
	eq "$(mb ps -a | grep -c '^many.*running')" 10
	for i in 1 2 3 4 5; do "$MINIBOX" down many$i & pids[i]=$!; done
	unset 'pids[6]'
	for p in "${pids[@]}"; do wait "$p"; done
	hasnt "$(mb ps -a)" many
}
test_down_gives_everything_back() {
	status 0 mb down neta
	eq "$(cat /proc/sys/net/ipv4/ip_forward)" 1
	status 0 mb down netb
	eq "$(cat /proc/sys/net/ipv4/ip_forward)" 0
	has "$(nft list table inet mbtforeign)" 'policy drop'
	cleanup_lan
}
run_tests "$@"
