// Package places looks from outside at where a running kernel is: address-space randomisation.
package places
