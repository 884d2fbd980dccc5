# Which slot boots: docs/format/card.md. U-Boot runs this from the boot partition of the
# card, with devtype and devnum saying which card that is. It uses no file system of a
# slot: blocks are read as they are, so that any U-Boot will do.
#
# boot.env, beside it, may set: board_args (kernel arguments), trial_seconds, fit_addr
# (where a slot's FIT is put), fdt_addr (the device tree that the firmware left).

setenv scratch ${pxefile_addr_r}
if test -z "${distro_bootpart}"; then setenv distro_bootpart 1; fi
if load ${devtype} ${devnum}:${distro_bootpart} ${scratch} boot.env; then
	env import -t ${scratch} ${filesize}
fi
if test -z "${trial_seconds}"; then setenv trial_seconds 300; fi
if test -z "${fit_addr}"; then setenv fit_addr ${ramdisk_addr_r}; fi

# The state: copy 0, else copy 1, else what a lost state means.
part start ${devtype} ${devnum} 2 state0
setenv state0 0x${state0}
setexpr state1 ${state0} + 8
setenv slot_order; setenv a_good; setenv b_good; setenv a_left; setenv b_left
setenv known 0
${devtype} dev ${devnum}
for copy in ${state0} ${state1}; do
	if test ${known} = 0; then
		if ${devtype} read ${scratch} ${copy} 1 && env import -c ${scratch} 0x200 slot_order a_good b_good a_left b_left; then
			if test -n "${slot_order}" -a -n "${a_good}" -a -n "${b_good}" -a -n "${a_left}" -a -n "${b_left}"; then
				setenv known 1
			fi
		fi
	fi
done
if test ${known} = 0; then
	echo "vedette: the state of the slots is lost"
	setenv slot_order A B; setenv a_good 0; setenv b_good 0; setenv a_left 3; setenv b_left 3
fi

# try: loads the FIT of ${slot} to fit_addr and sets ready. A superblock says how long the
# squashfs is, the header behind it how long the FIT.
setenv try 'setenv ready 0; setenv fit_blocks; part start ${devtype} ${devnum} ${number} first; if ${devtype} read ${scratch} 0x${first} 1 && itest.l *${scratch} == 0x73717368; then setexpr.l size *${size_at}; setexpr header ${size} + 0xfff; setexpr header ${header} / 0x1000; setexpr header ${header} * 8; setexpr header ${header} + 0x${first}; if ${devtype} read ${scratch} ${header} 1 && env import -c ${scratch} 0x200 fit_blocks fit_ramdisk fit_fdt; then setexpr fit ${header} + 8; if ${devtype} read ${fit_addr} ${fit} ${fit_blocks}; then setenv ready 1; fi; fi; fi'
setenv save 'setenv exported 0; if env export -c -s 0x200 ${scratch} slot_order a_good b_good a_left b_left; then ${devtype} write ${scratch} ${state0} 1 && ${devtype} write ${scratch} ${state1} 1 && setenv exported 1; fi; if test ${exported} = 0; then echo "vedette: the state of the slots cannot be written"; fi'
setenv start 'setenv bootargs rauc.slot=${slot} root=PARTUUID=${uuid} ro rootwait gpt panic=10 quiet ${trial} ${board_args}; setenv rd -; if test -n "${fit_ramdisk}"; then setenv rd ${fit_addr}:ramdisk; fi; if test -n "${fit_fdt}"; then bootm ${fit_addr}#conf ${rd}; else bootm ${fit_addr}#conf ${rd} ${fdt_addr}; fi'
setexpr size_at ${scratch} + 0x28

for force in 0 1; do
	for slot in ${slot_order}; do
		setenv fit_ramdisk; setenv fit_fdt
		if test ${slot} = A; then
			setenv number 3; setenv good ${a_good}; setenv left ${a_left}
		else
			setenv number 4; setenv good ${b_good}; setenv left ${b_left}
		fi
		setenv trial vedette.trial=${trial_seconds}
		if test ${good} = 1 -o ${force} = 1; then setenv trial; fi
		if test ${good} = 1 -o ${left} != 0 -o ${force} = 1; then
			part uuid ${devtype} ${devnum}:${number} uuid
			run try
			if test ${ready} = 1; then
				if test ${good} != 1 -a ${force} = 0; then
					setexpr left ${left} - 1
					if test ${slot} = A; then setenv a_left ${left}; else setenv b_left ${left}; fi
					run save
				fi
				echo "vedette: slot ${slot}"
				run start
				echo "vedette: slot ${slot} does not start"
			else
				echo "vedette: there is nothing to boot in slot ${slot}"
			fi
		fi
	done
done
echo "vedette: no slot starts"
sleep 10
reset
