"""VirtualBox without its kernel module: an interpreter of x86, with firmware of its own.

The machine is made anew in the run's folder, by the script start.sh there.
"""

import re
import shlex
import subprocess

from report import Broken

# VirtualBoxVM wants a screen, and is the only front end that starts without the module.
# This firmware's way to switch off does nothing here: a reset ends the machine.
START = """\
export HOME=$PWD VBOX_USER_HOME=$PWD/home VBOX_IPC_SOCKETID={name}
VBoxManage createvm --name assay --basefolder "$PWD" --ostype Other_64 \\
    --platform-architecture x86 --register
VBoxManage modifyvm assay --firmware efi --cpus {cpus} --memory {memory} --cpu-profile {model} \\
    --vm-execution-engine interpreter --graphicscontroller none --audio-enabled off --nic1 none \\
    --uart1 0x3F8 4 --uart-mode1 file "$PWD/{serial}"
VBoxManage setextradata assay VBoxInternal/PowerOffInsteadOfReset 1
VBoxManage storagectl assay --name disk --add sata --portcount 1 --hostiocache on
VBoxManage storageattach assay --storagectl disk --port 0 --device 0 --type hdd \\
    --medium "$PWD/disk.vmdk"
exec xvfb-run -a VirtualBoxVM --startvm assay --execute-all-in-iem --driverless
"""
DISK = """\
# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"

# Extent description
RW {sectors} FLAT "{disk}" 0

# The disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.adapterType="ide"
"""
MODEL = "Intel Core i7-6700K"
ENDING = "--reboot"


def version():
    try:
        done = subprocess.run(["VBoxManage", "--version"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
    except FileNotFoundError:
        raise Broken("VBoxManage is not installed") from None
    match = re.search(r"^(\d+\.\d+)\.\d+", done.stdout, re.M)
    return f"virtualbox-{match[1]}" if match else "virtualbox"


def command(machine, folder, disk, serial):
    """Writes start.sh and the description of the disk; what starts the machine."""
    if serial.is_absolute():
        raise Broken("VirtualBox's serial line is a file here, which takes no answers")
    if machine.boot != "disk" or machine.read_only:
        raise Broken("VirtualBox has its disk only, and may write to it")
    sectors = (folder / disk).stat().st_size // 512
    (folder / "disk.vmdk").write_text(DISK.format(sectors=sectors, disk=disk))
    (folder / "start.sh").write_text(START.format(
        name=shlex.quote(folder.name), cpus=machine.cpus, memory=machine.memory, serial=serial,
        model=shlex.quote(machine.model or MODEL)))
    return ["sh", "-e", "start.sh"]
