package board

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// images is where the images of the boards are described.
const images = "../buildroot"

// assignment returns what a file of shell variables, or of a kernel's or
// Buildroot's options, says a name is.
func assignment(t *testing.T, file, name string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + `=(?:"([^"\n]*)"|(.*))$`).FindStringSubmatch(string(data))
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// TestEachBoardHasAnImage: the boards that there are, those that an image is made
// for, and those that Buildroot has a configuration for, are the same.
func TestEachBoardHasAnImage(t *testing.T) {
	metas, err := filepath.Glob(images + "/board/*/meta")
	if err != nil || len(metas) == 0 {
		t.Fatal("no images", err)
	}
	var ids, configs []string
	for _, meta := range metas {
		name := filepath.Base(filepath.Dir(meta))
		ids = append(ids, assignment(t, meta, "BOARD_ID"))
		configs = append(configs, "vedette_"+name+"_defconfig")
		config := filepath.Join(images, "configs", "vedette_"+name+"_defconfig")
		if got, want := assignment(t, config, "BR2_ROOTFS_POST_SCRIPT_ARGS"), "$(BR2_EXTERNAL_VEDETTE_PATH)/board/"+name; got != want {
			t.Errorf("%s makes the image of %q, want %q", config, got, want)
		}
		if assignment(t, config, "BR2_PACKAGE_VEDETTE") != "y" {
			t.Errorf("%s has no vedette in it", config)
		}
	}
	want := slices.DeleteFunc(IDs(), func(id string) bool { return id == "sim" })
	slices.Sort(want)
	slices.Sort(ids)
	if !slices.Equal(ids, want) {
		t.Errorf("images for %v, boards %v", ids, want)
	}
	files, err := filepath.Glob(images + "/configs/*")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		files[i] = filepath.Base(f)
	}
	slices.Sort(configs)
	if !slices.Equal(files, configs) {
		t.Errorf("configurations %v, boards %v", files, configs)
	}
}

// TestEachImageCanDriveItsBoard: what the board's data name needs a driver in the
// kernel of its image, and U-Boot must be told how it gets at the slots.
func TestEachImageCanDriveItsBoard(t *testing.T) {
	drivers := map[string]string{ // of what the data name: an option
		"gpio-keys": "CONFIG_KEYBOARD_GPIO", "pwr_button": "CONFIG_KEYBOARD_GPIO", "rk805 pwrkey": "CONFIG_INPUT_RK805_PWRKEY",
		"nvme": "CONFIG_BLK_DEV_NVME", "sata": "CONFIG_SATA_AHCI", "usb": "CONFIG_USB_UAS", "virtio": "CONFIG_VIRTIO_BLK",
	}
	metas, err := filepath.Glob(images + "/board/*/meta")
	if err != nil {
		t.Fatal(err)
	}
	for _, meta := range metas {
		dir := filepath.Dir(meta)
		b, ok := ByID(assignment(t, meta, "BOARD_ID"))
		if !ok {
			t.Errorf("%s: no such board", meta)
			continue
		}
		has := func(option string) bool {
			return assignment(t, images+"/board/common/linux.fragment", option) == "y" || assignment(t, dir+"/linux.fragment", option) == "y"
		}
		wanted := []string{"CONFIG_LEDS_GPIO", "CONFIG_WATCHDOG_HANDLE_BOOT_ENABLED"}
		for _, x := range b.Buttons {
			wanted = append(wanted, drivers[x.Input[0]])
		}
		for _, x := range b.Bays {
			wanted = append(wanted, drivers[x.Bus])
		}
		for _, option := range wanted {
			if option == "" || !has(option) {
				t.Errorf("%s: the kernel lacks %q", b.ID, option)
			}
		}
		data, err := os.ReadFile(dir + "/linux.fragment")
		if err != nil {
			t.Fatal(err)
		}
		if b.Watchdog != "" && !regexp.MustCompile(`(?m)^CONFIG_[A-Z0-9]*_?(WDT|WATCHDOG)=y$`).Match(data) {
			t.Errorf("%s: the kernel has no driver for its watchdog", b.ID)
		}
		if args := assignment(t, dir+"/boot.env", "board_args"); !strings.HasPrefix(args, "console=") {
			t.Errorf("%s: boot.env names no console: %q", b.ID, args)
		}
		if !regexp.MustCompile(`^0x[0-9a-f]{1,2}[02468ace]00000$`).MatchString(assignment(t, meta, "KERNEL_LOAD")) {
			t.Errorf("%s: the kernel must lie at a multiple of 2 MiB, not %s", b.ID, assignment(t, meta, "KERNEL_LOAD"))
		}
	}
}
