package speculation

// decodeSignature returns the family and the model in EAX of CPUID leaf 1, as the
// Intel SDM volume 2 and the AMD APM volume 3 tell.
func decodeSignature(signature uint32) (family, model int) {
	family = int(signature >> 8 & 15)
	model = int(signature >> 4 & 15)
	if family == 6 || family == 15 {
		model |= int(signature>>16&15) << 4
	}
	if family == 15 {
		family += int(signature >> 20 & 255)
	}
	return family, model
}
