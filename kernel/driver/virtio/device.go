package virtio

import (
	"errors"
	"fmt"
)

// A Device is a device that the driver and the host have agreed upon.
type Device struct {
	Transport
	features uint64
}

// ErrNotOffered is returned by Open if the device cannot work with this driver.
var ErrNotOffered = errors.New("virtio: the device refuses the driver's features")

// Open resets the device and negotiates features (section 3.1.1, steps 1-6):
// those of wanted that the device offers, and FeatureVersion1 unless the
// device is legacy. The device must be started, or given up with Fail.
func Open(t Transport, wanted uint64) (*Device, error) {
	t.SetStatus(0)
	t.SetStatus(StatusAcknowledge)
	t.SetStatus(StatusAcknowledge | StatusDriver)
	d := &Device{Transport: t}
	if t.Legacy() {
		d.features = t.Features() & wanted &^ FeatureVersion1
		t.SetFeatures(d.features)
		return d, nil
	}
	offered := t.Features()
	if offered&FeatureVersion1 == 0 {
		d.Fail()
		return nil, ErrNotOffered
	}
	d.features = offered & (wanted | FeatureVersion1)
	t.SetFeatures(d.features)
	d.addStatus(StatusFeaturesOK)
	if t.Status()&StatusFeaturesOK == 0 {
		d.Fail()
		return nil, ErrNotOffered
	}
	return d, nil
}

// Has reports whether all bits of feature were negotiated.
func (d *Device) Has(feature uint64) bool { return d.features&feature == feature }

// Queue sets up queue index with at most size descriptors.
func (d *Device) Queue(index, size int) (*Queue, error) {
	most := d.QueueMaxSize(index)
	if most == 0 {
		return nil, fmt.Errorf("virtio: the device has no queue %d", index)
	}
	q, err := newQueue(d.Transport, index, min(size, most))
	if err != nil {
		return nil, err
	}
	if err := d.EnableQueue(index, q.layout); err != nil {
		q.release()
		return nil, err
	}
	return q, nil
}

// Start tells the device that the driver is ready (section 3.1.1, step 8).
// The driver must not notify the device before.
func (d *Device) Start() { d.addStatus(StatusDriverOK) }

// Fail gives the device up.
func (d *Device) Fail() { d.addStatus(StatusFailed) }

func (d *Device) addStatus(bit uint8) { d.SetStatus(d.Status() | bit) }
