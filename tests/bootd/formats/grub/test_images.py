"""Images that lie on the disk of a grub.cfg, opened with `loopback`."""

from pathlib import Path

import pytest

from bootd.formats.grub.images import MAX_IMAGES
from bootd.model.option import FileRef
from tests.support import extimage, iso
from tests.support.grubscript import entry, run


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    files = {
        "/casper/vmlinuz": "kernel",
        "/casper/initrd": "initrd",
        "/boot/grub/loopback.cfg": "menuentry live { linux /casper/vmlinuz from=$iso_path }",
        "/boot/grub/grub.cfg": "search -l LIVE --set=root\nmenuentry g { linux /casper/vmlinuz }",
    }
    return iso.make(tmp_path, files, "-R", label="LIVE")


def test_a_kernel_in_an_image_is_a_part_of_it(image: bytes) -> None:
    body = "loopback loop /x.iso\nlinux (loop)/casper/vmlinuz q\ninitrd (loop)/casper/initrd"
    option = entry(f"menuentry a {{ {body} }}", {"/x.iso": image})
    assert option.linux == FileRef("/x.iso", None, "/casper/vmlinuz")
    assert option.initrds == (FileRef("/x.iso", None, "/casper/initrd"),)
    assert option.reasons == ()


def test_a_file_that_the_image_lacks_keeps_the_entry_from_booting(image: bytes) -> None:
    option = entry("menuentry a { loopback l /x.iso; linux (l)/vmlinuz }", {"/x.iso": image})
    assert option.reasons == ("the image has no file /vmlinuz",)


def test_a_file_that_is_no_image_keeps_the_entry_from_booting() -> None:
    option = entry("menuentry a { loopback l /x.img; linux (l)/k }", {"/x.img": "ext4"})
    assert option.reasons == ("its files are inside /x.img, which is no image that bootd can open",)


def test_an_image_on_another_device_is_waited_for() -> None:
    script = "menuentry a { search -u --set=d 12-AB\nloopback l ($d)/x.iso\nlinux (l)/k\n}"
    option = entry(script)
    assert option.linux == FileRef("/x.iso", "UUID=12-AB", "/k")
    assert option.reasons == ()


@pytest.mark.parametrize(
    ("body", "source"),
    [
        ("set root=(loop)\nconfigfile /boot/grub/loopback.cfg", "/x.iso/boot/grub/loopback.cfg"),
        ("configfile (loop)/boot/grub/grub.cfg", "/x.iso/boot/grub/grub.cfg"),
        ("search -f /casper/vmlinuz --set=root\nlinux /casper/vmlinuz", "/boot/grub/grub.cfg"),
    ],
)
def test_the_menu_in_an_image_is_run_with_its_files(image: bytes, body: str, source: str) -> None:
    script = f"menuentry a {{ iso_path=/x.iso\nexport iso_path\nloopback loop /x.iso\n{body}\n}}"
    option = entry(script, {"/x.iso": image})
    assert option.source == source
    assert option.linux == FileRef("/x.iso", None, "/casper/vmlinuz")
    assert option.reasons == ()


def test_a_menu_over_all_images_of_a_folder_lists_each(image: bytes) -> None:
    script = """for iso in /isos/*.iso; do
        menuentry "$iso" "$iso" {
            loopback loop "$2"
            if [ -f (loop)/casper/vmlinuz ]; then linux (loop)/casper/vmlinuz iso=$2; fi
        }
    done"""
    result = run(script, {"/isos/a.iso": image, "/isos/b.iso": image})
    assert [each.cmdline for each in result.options] == ["iso=/isos/a.iso", "iso=/isos/b.iso"]
    assert result.problems == ()


def test_images_end_at_their_limit(image: bytes) -> None:
    names = [f"/{number:02}.iso" for number in range(MAX_IMAGES + 1)]
    script = "\n".join(
        f"menuentry a{n} {{ loopback l {n}\nlinux (l)/casper/vmlinuz }}" for n in names
    )
    options = run(script, dict.fromkeys(names, image)).options
    assert [bool(each.reasons) for each in options] == [False] * MAX_IMAGES + [True]


def test_an_image_in_an_image_is_not_opened(image: bytes) -> None:
    body = "loopback a /x.iso\nloopback b (a)/casper/vmlinuz\nlinux (b)/k"
    option = entry(f"menuentry a {{ {body} }}", {"/x.iso": image})
    assert option.linux == FileRef("/k", "(b)")


def test_a_system_in_an_ext_image_brings_its_own_settings(tmp_path: Path) -> None:
    files = {
        "/etc/cos/bootargs.cfg": b"set kernel=/boot/vmlinuz\nset initramfs=/boot/initrd\n"
        b'set kernelcmd="root=LABEL=$label cos-img/filename=$img"\n',
        "/boot/vmlinuz": b"kernel",
        "/boot/initrd": b"initrd",
    }
    image = extimage.make(tmp_path, files, "-t", "ext2", label="COS_ACTIVE")
    script = """set img=/cOS/active.img
menuentry "cOS" --id cos {
  search --no-floppy --label --set=root COS_STATE
  set label=COS_ACTIVE
  loopback loop0 /$img
  set root=($root)
  source (loop0)/etc/cos/bootargs.cfg
  linux (loop0)$kernel $kernelcmd
  initrd (loop0)$initramfs
}"""
    option = entry(script, {"/cOS/active.img": image})
    assert option.linux == FileRef("/cOS/active.img", "LABEL=COS_STATE", "/boot/vmlinuz")
    assert option.initrds == (FileRef("/cOS/active.img", "LABEL=COS_STATE", "/boot/initrd"),)
    assert option.cmdline == "root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img"
    assert (option.reasons, option.notes) == ((), ())
