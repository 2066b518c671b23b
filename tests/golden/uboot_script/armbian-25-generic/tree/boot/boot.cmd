# generic boot script: functions in variables, computed addresses
setenv avoid "on"
setenv align_to "0x1000"
setenv console "both"
setenv verbosity "1"
setenv kver
setenv load_calc
setenv vendor "rockchip"
setenv load_addr "0x9000000"
setenv rootdev "/dev/mmcblk${devnum}p${distro_bootpart}"
setenv f_align '
	test "${avoid}" = "on" && setexpr l_next ${l_next} + 1 ;
	setexpr l_mod ${l_next} % ${align_to} ;
	if itest ${l_mod} -gt 0 ; then
		setexpr l_next ${l_next} / ${align_to} ;
		setexpr l_next ${l_next} + 1 ;
		setexpr l_next ${l_next} * ${align_to} ;
	fi'
setenv f_inform 'test "${verbosity}" = "" || itest ${verbosity} -gt 0 && echo "${l_m}"'
setenv f_critical '
	echo "!! ${l_m}" ;
	if test "${x}" = "on" ; then
		false ;
	else
		false ;
	fi'
if test "${envfile}" = "" ; then
	setenv l_envfile 'armbianEnv.txt'
else
	setenv l_envfile "${envfile}"
fi
setenv l_file "${prefix}${l_envfile}"
if test -e ${devtype} ${devnum}:${distro_bootpart} ${l_file} ; then
	if load ${devtype} ${devnum}:${distro_bootpart} ${load_addr} ${l_file} ; then
		if env import -t ${load_addr} ${filesize} ; then
			setenv l_m "ok"
			run f_inform
		fi
	fi
fi
setenv bootargs "root=${rootdev} rootwait loglevel=${verbosity} ${extraargs}"
if test "${vendor}" = "marvell" ; then
	#
fi
if test "${load_calc}" = "" ; then
	if setexpr load_calc 1 + 1 ; then
		setenv load_calc 'on'
	else
		setenv load_calc 'off'
	fi
fi
if test "${cpu}" = "armv8" ; then
	setenv l_bootfile "Image${kver}"
else
	setenv l_bootfile "zImage${kver}"
fi
setenv l_base
setexpr l_base sub ".*/" "" "${fdtfile}"
if test "${l_base}" = "" ; then
	setenv l_base "${fdtfile}"
fi
setenv l_dir "${fdtdir}"
setenv l_fdt "${l_base}"
if test -e ${devtype} ${devnum}:${distro_bootpart} "${l_dir}/${l_fdt}" ; then
	true
else
	setenv l_dir "${prefix}dtb${kver}/${vendor}"
	if test -e ${devtype} ${devnum}:${distro_bootpart} "${l_dir}/${l_fdt}" ; then
		true
	else
		setenv l_dir "${prefix}dtb${kver}"
		if test -e ${devtype} ${devnum}:${distro_bootpart} "${l_dir}/${l_fdt}" ; then
			true
		else
			false
		fi
	fi
fi
if itest $? -ne 0 ; then
	setenv l_m "Cannot find DT!"
	run f_critical || exit
fi
setenv l_file "${l_dir}/${l_fdt}"
if load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} ${l_file} ; then
	setenv l_size ${filesize}
	fdt addr ${fdt_addr_r}
	fdt resize 0x10000
else
	run f_critical || exit
fi
if test "${overlays}" != "" ; then
	for each in ${overlays} ; do
		setenv l_file "${l_dir}/overlay/${overlay_prefix}-${each}.dtbo"
		if test -e ${devtype} ${devnum}:${distro_bootpart} ${l_file} ; then
			true
		else
			false
		fi
		if itest $? -eq 0 ; then
			if load ${devtype} ${devnum}:${distro_bootpart} ${load_addr} ${l_file} ; then
				fdt apply ${load_addr}
			fi
		fi
	done
fi
fdt resize
if test "${load_calc}" = "on" ; then
	setenv l_total
	fdt header get l_total totalsize
	if test "${l_total}" = "" ; then
		setexpr l_total ${l_size} / 0x1000
		setexpr l_total ${l_total} + 1
		setexpr l_total ${l_total} * 0x1000
	fi
	setexpr l_next ${fdt_addr_r} + ${l_total}
	run f_align
	setenv l_kernel ${l_next}
else
	setenv l_kernel ${kernel_addr_r}
fi
setenv l_file "${prefix}${l_bootfile}"
if load ${devtype} ${devnum}:${distro_bootpart} ${l_kernel} ${l_file} ; then
	setenv kernel_comp_size ${filesize}
else
	run f_critical || exit
fi
if test "${load_calc}" = "on" ; then
	setexpr l_ptr ${l_kernel} + 0x38
	setexpr.w l_lsw *${l_ptr}
	setexpr l_ptr ${l_kernel} + 0x3a
	setexpr.w l_msw *${l_ptr}
	if test "${l_msw}${l_lsw}" != "" && itest "${l_msw}${l_lsw}" -eq 0x644d5241 ; then
		setenv l_type "flat"
	else
		setenv l_type "compressed"
	fi
	if test "${l_type}" = "flat" ; then
		setexpr l_ptr ${l_kernel} + 0x10
		setexpr.l l_image_size *${l_ptr}
		setexpr l_next ${l_kernel} + ${l_image_size}
	else
		setexpr l_next ${l_kernel} + ${kernel_comp_size}
	fi
	run f_align
	setenv l_ramdisk ${l_next}
else
	setenv l_ramdisk ${ramdisk_addr_r}
fi
if load ${devtype} ${devnum}:${distro_bootpart} ${l_ramdisk} ${prefix}uInitrd ; then
	true
else
	setenv l_ramdisk "-"
fi
if test "${cpu}" = "armv8" ; then
	booti ${l_kernel} ${l_ramdisk} ${fdt_addr_r}
else
	bootz ${l_kernel} ${l_ramdisk} ${fdt_addr_r}
fi
