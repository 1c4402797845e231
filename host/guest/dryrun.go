package guest

import (
	"kevlar/host/vm"
)

// Kind is what a machine is started for.
type Kind int

const (
	ForCommand Kind = iota // see Command
	ForShell               // see Shell
	ForForeign             // see Foreign
)

// Args returns the command line of the machine that the configuration gives, its first word
// included, without starting it.
func Args(c *Config, root vm.Initramfs, kind Kind) ([]string, error) {
	s, err := newSession(c, root, kind == ForForeign)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if kind != ForForeign {
		if s.control, err = s.port(controlPort); err != nil {
			return nil, err
		}
	}
	if kind != ForForeign && len(c.Take) > 0 {
		if _, err := s.port(takePort); err != nil {
			return nil, err
		}
	}
	if kind == ForCommand {
		if _, err := s.standardPorts(); err != nil {
			return nil, err
		}
	}
	return append([]string{vm.Binary}, s.config.Args()...), nil
}
