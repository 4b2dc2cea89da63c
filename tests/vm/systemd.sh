#!/bin/bash
# needs: systemd as first process on cgroup v2; runs in the machine of vm.sh --systemd, whose store is
# kept from one boot to the next. systemd.sh first: before the reboot; systemd.sh second: after it.
. "$(dirname "$0")/../lib/it.sh"
BOOT=$1; shift
export MINIBOX_ROOT=/tmp/store/root MINIBOX_RUN=/run/minibox
STACK=/tmp/store/stack
UNIT=minibox-shop.service
TREE=/sys/fs/cgroup/system.slice/$UNIT/minibox/shop
POSTGRES=examples/django/images/postgres.tar # 92-systemd-vm.sh has it made

show() { systemctl show --value -p "$1" $UNIT; }
is() { [ "$(show "$1")" = "$2" ]; }
pid_of() { mb ps --json shop | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }
pids() { for s in back front; do pid_of $s; done | tr '\n' ' '; }
supervisor() { cat /run/minibox/shop/.supervisor; }
order() { cat /tmp/store/root/volumes/shop/notes/order | tr '\n' ' '; }
forget_order() { : >/tmp/store/root/volumes/shop/notes/order; }
another_supervisor() { local now; now=$(supervisor) && [ -n "$now" ] && [ "$now" != "$1" ] && kill -0 "$now"; }
beats() { # SECONDS: the unit's watchdog was told something within the last SECONDS
	local last; last=$(show WatchdogTimestampMonotonic)
	[ $(($(cut -d. -f1 /proc/uptime) - last / 1000000)) -le "$1" ]
}

make_stack() {
	mkdir -p $STACK /tmp/store/units
	busybox_root
	image $STACK/bb.tar bb:1 --cmd sleep 1000
	cat >$STACK/stack.conf <<'EOC'
stack shop { mem_limit 600m; }
service back  {
    image bb.tar; volumes notes:/notes; mem_limit 32m;
    command sh -c "trap 'echo back >>/notes/order; exit 0' TERM; sleep 100000 & wait";
}
service front {
    image bb.tar; volumes notes:/notes; depends_on back; mem_limit 40m;
    command sh -c "trap 'sleep 1; echo front >>/notes/order; exit 0' TERM; sleep 100000 & wait";
    healthcheck { test test -e /notes/ready; interval 3s; retries 1000; }
}
volume notes;
EOC
}
add_postgres() {
	cp $POSTGRES $STACK/postgres.tar
	cat >>$STACK/stack.conf <<'EOC'
service db {
    image postgres.tar; environment POSTGRES_PASSWORD=secret; volumes data:/var/lib/postgresql/data;
    healthcheck { postgres 5432; interval 1s; retries 200; start_period 60s; } stop_grace_period 60s;
}
volume data;
EOC
}

first_boot() {
	make_stack
	mb unit $STACK/stack.conf >/tmp/store/units/$UNIT
	cp /tmp/store/units/$UNIT /etc/systemd/system/
	systemctl daemon-reload

	test_unit_is_verified() {
		status 0 systemd-analyze verify /tmp/store/units/$UNIT
		eq "$OUT" ''
	}
	test_unit_is_active_only_once_every_service_is_healthy() {
		systemctl --no-block start $UNIT
		until_ok 60 sh -c "$MINIBOX ps shop | grep -q 'front .*starting'"
		sleep 2
		eq "$(show ActiveState)" activating
		until_ok 20 mb exec shop/front touch /notes/ready
		until_ok 120 is ActiveState active
		eq "$(cat "/proc/$(show MainPID)/comm")" minibox-keeper
		eq "$(show StatusText)" 'all services are up'
	}
	test_groups_are_in_the_units_subtree_with_their_limits() {
		eq "$(cut -d: -f3 "/proc/$(pid_of back)/cgroup")" "${TREE#/sys/fs/cgroup}/back"
		eq "$(cut -d: -f3 "/proc/$(show MainPID)/cgroup")" "${TREE#/sys/fs/cgroup}/_supervisor"
		eq "$(cat $TREE/back/memory.max $TREE/memory.max | tr '\n' ' ')" "$((32 << 20)) $((600 << 20)) "
		eq "$(cat $TREE/back/pids.max)" 4096
		eq "$(cat $TREE/cgroup.procs $TREE/../cgroup.procs $TREE/../../cgroup.procs)" ''
		[ ! -e /sys/fs/cgroup/minibox ]
	}
	test_other_commands_find_them_from_their_own_groups() {
		eq "$(mb exec shop/back cat /proc/self/cgroup)" '0::/'
		[ "$(mb ps --json shop | grep -c '"memory_bytes": [1-9]')" -ge 2 ]
		eq "$(systemd-run -q --scope "$MINIBOX" exec shop/front echo hello)" hello
	}
	test_limits_survive_systemd_reading_itself_anew() {
		systemctl daemon-reload
		systemd-run -q --wait true
		systemctl daemon-reexec
		eq "$(cat $TREE/back/memory.max $TREE/back/pids.max | tr '\n' ' ')" "$((32 << 20)) 4096 "
		is ActiveState active
	}
	test_reload_is_up() {
		main=$(show MainPID) back=$(pid_of back)
		sed -i 's/mem_limit 40m/mem_limit 48m/' $STACK/stack.conf
		systemctl reload $UNIT
		eq "$(cat $TREE/front/memory.max)" $((48 << 20))
		eq "$(show MainPID) $(pid_of back)" "$main $back"
	}
	test_killed_supervisor_is_back_unnoticed() {
		before=$(pids) old=$(supervisor)
		kill -KILL "$old"
		until_ok 20 another_supervisor "$old"
		eq "$(pids)" "$before"
		eq "$(show ActiveState) $(show NRestarts)" 'active 0'
	}
	test_hung_supervisor_is_replaced_before_systemd_loses_patience() {
		mkdir -p /etc/systemd/system/$UNIT.d
		printf '[Service]\nWatchdogSec=20\n' >/etc/systemd/system/$UNIT.d/patience.conf
		systemctl daemon-reload
		systemctl restart $UNIT
		before=$(pids) old=$(supervisor)
		kill -STOP "$old"
		until_ok 20 another_supervisor "$old"
		sleep 21 # longer than systemd would have waited
		beats 20
		eq "$(pids)" "$before"
		eq "$(show ActiveState) $(show NRestarts)" 'active 0'
	}
	test_hung_keeper_and_supervisor_are_systemds_to_restart() {
		kill -STOP "$(show MainPID)" "$(supervisor)"
		until_ok 60 is NRestarts 1
		until_ok 60 is ActiveState active
		mb exec shop/back true
	}
	test_killed_keeper_is_a_restart_of_the_unit() {
		kill -KILL "$(show MainPID)"
		until_ok 60 is NRestarts 2
		until_ok 60 is ActiveState active
		mb exec shop/back true
		eq "$(cat $TREE/back/memory.max)" $((32 << 20))
	}
	test_stop_is_in_order_and_keeps_the_containers() {
		mb exec shop/back touch /kept
		forget_order
		systemctl stop $UNIT
		eq "$(order)" 'front back '
		eq "$(show ActiveState) $(show Result)" 'inactive success'
		eq "$(mb ps --json shop | grep -c '"state": "exited"')" "$(grep -c ^service $STACK/stack.conf)"
		[ ! -e ${TREE%/minibox*} ]
		status 1 mb start shop
		has "$OUT" 'its unit was stopped'
	}
	test_start_after_stop_has_the_same_containers_and_limits() {
		systemctl start $UNIT
		mb exec shop/back test -e /kept
		eq "$(cat $TREE/back/memory.max $TREE/memory.max | tr '\n' ' ')" "$((32 << 20)) $((600 << 20)) "
		eq "$(cut -d: -f3 "/proc/$(pid_of back)/cgroup")" "${TREE#/sys/fs/cgroup}/back"
	}
	test_stop_while_it_waits_for_health_is_in_order_too() {
		systemctl stop $UNIT
		rm /tmp/store/root/volumes/shop/notes/ready
		forget_order
		systemctl --no-block start $UNIT
		until_ok 60 sh -c "$MINIBOX ps shop | grep -q 'front .*starting'"
		eq "$(show ActiveState)" activating
		sleep 1
		systemctl stop $UNIT
		eq "$(order)" 'front back '
		eq "$(show ActiveState)" inactive
		touch /tmp/store/root/volumes/shop/notes/ready
	}
	test_stack_that_is_up_is_taken_over_as_it_is() {
		status 0 mb up -d $STACK/stack.conf
		eq "$(cut -d: -f3 "/proc/$(pid_of back)/cgroup")" /minibox/shop/back
		eq "$(cat /sys/fs/cgroup/minibox/shop/back/memory.max)" $((32 << 20))
		before=$(pids)
		systemctl start $UNIT
		eq "$(pids)" "$before"
		eq "$(cat "/proc/$(show MainPID)/comm")" minibox-keeper
		forget_order
		systemctl stop $UNIT
		eq "$(order)" 'front back '
	}
	test_down_ends_the_unit_and_leaves_nothing() {
		systemctl start $UNIT
		status 0 mb down shop
		until_ok 20 is ActiveState inactive
		eq "$(show Result)" success
	}
	test_by_hand_it_says_what_a_unit_would_do_and_systemd_minds_nothing() {
		status 0 systemd-run -q --scope "$MINIBOX" up -d $STACK/stack.conf
		has "$OUT" 'minibox unit'
		systemctl daemon-reload
		systemd-run -q --wait -p MemoryMax=100M -p CPUQuota=50% -p TasksMax=50 true
		systemctl daemon-reexec
		systemctl daemon-reload
		eq "$(cat /sys/fs/cgroup/minibox/shop/back/memory.max /sys/fs/cgroup/minibox/shop/back/pids.max | tr '\n' ' ')" "$((32 << 20)) 4096 "
		mb exec shop/back true
		status 0 mb up -d $STACK/stack.conf
		hasnt "$OUT" 'minibox unit'
		status 0 mb down shop
	}
	test_up_unit_is_for_units() {
		status 2 mb up --unit $STACK/stack.conf
		has "$OUT" "NOTIFY_SOCKET is not set"
	}
	run_tests "$@" || exit
	add_postgres
	forget_order
	systemctl start $UNIT # and it stays, for the second boot
}

# What is found is written down before it is taken away: the harness wants the host as it was.
second_boot() {
	local services; services=$(grep -c ^service $STACK/stack.conf)
	show ActiveState >"$W/state"; show NRestarts >>"$W/state"
	mb ps --json shop >"$W/ps"
	order >"$W/order"
	mb logs shop/db >"$W/db"
	systemctl stop $UNIT
	mb down --volumes shop

	test_unit_is_active_at_boot_in_another_life_of_the_machine() {
		eq "$(tr '\n' ' ' <"$W/state")" 'active 0 '
		eq "$(grep -cE '"state": "(running|healthy)"' "$W/ps")" "$services"
	}
	test_poweroff_stopped_the_services_in_order() {
		eq "$(cat "$W/order")" 'front back '
	}
	test_postgres_was_shut_down_before_the_machine() {
		has "$(cat "$W/db")" 'database system was shut down at'
		hasnt "$(cat "$W/db")" 'was not properly shut down'
	}
	test_nothing_is_left_of_it() {
		eq "$(ip -o link | grep -cE ' m[bv]')$(cat /proc/sys/net/ipv4/ip_forward)" 00
		eq "$(nft list tables)" ''
		[ ! -e /run/minibox ]
		[ ! -e "${TREE%/minibox*}" ]
	}
	run_tests "$@"
}

"${BOOT}_boot" "$@"
