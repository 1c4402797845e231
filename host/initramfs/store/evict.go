package store

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// abandoned is the age at which a temporary file belongs to no process any more.
const abandoned = 24 * time.Hour

// Close ends the use of the store. If this process has added entries, those that were not used for
// the longest time are removed until the store is no larger than its limit; what this process has
// used stays.
func (s *Store) Close() error {
	if !s.written.Load() {
		return nil
	}
	list, err := os.ReadDir(s.entries())
	if err != nil {
		return err
	}
	type entry struct {
		path string
		size int64
		used time.Time
	}
	var entries []entry
	total := int64(0)
	for _, d := range list {
		info, err := d.Info()
		if err != nil {
			continue // another process has removed it
		}
		e := entry{filepath.Join(s.entries(), d.Name()), info.Size(), info.ModTime()}
		if strings.HasPrefix(d.Name(), ".tmp-") {
			if s.opened.Sub(e.used) > abandoned {
				os.RemoveAll(e.path)
			}
			continue
		}
		total += e.size
		entries = append(entries, e)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].used.Before(entries[j].used) })
	for _, e := range entries {
		if total <= s.limit {
			break
		}
		if _, used := s.used.Load(filepath.Base(e.path)); used {
			continue
		}
		if os.Remove(e.path) == nil {
			total -= e.size
		}
	}
	return nil
}
