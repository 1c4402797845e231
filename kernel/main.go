//go:build baremetal

package main

import (
	"fmt"

	"kevlar/kernel/machine/boot"
)

func main() {
	fmt.Println("hello from ring 0:", boot.CommandLine())
	if err := boot.StartProcessors(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("done")
}
