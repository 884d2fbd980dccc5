package faultfs

// PageSize is the unit of writing, and of space. Pages that were not synced
// survive each by itself.
const PageSize = 4096

// sectorSize is what a disk writes at once: a page that was under way when the
// power went may end at any sector.
const sectorSize = 512

// page is never changed once it is part of a content, so that contents can
// share it.
type page = [PageSize]byte

// content is the bytes of a file. A nil page, or one beyond the slice, holds
// zeros.
type content struct {
	size  int64
	pages []*page
}

func (c *content) clone() content {
	return content{c.size, append([]*page(nil), c.pages...)}
}

func (c *content) page(i int64) *page {
	if i < int64(len(c.pages)) {
		return c.pages[i]
	}
	return nil
}

func (c *content) setPage(i int64, p *page) {
	for int64(len(c.pages)) <= i {
		c.pages = append(c.pages, nil)
	}
	c.pages[i] = p
}

// resize sets the size. What lies beyond it reads as zeros if the file grows
// again.
func (c *content) resize(size int64) {
	if size < c.size {
		whole := size / PageSize
		if rest := size % PageSize; rest > 0 {
			if old := c.page(whole); old != nil {
				p := *old
				clear(p[rest:])
				c.pages[whole] = &p
			}
			whole++
		}
		if whole < int64(len(c.pages)) {
			c.pages = c.pages[:whole]
		}
	}
	c.size = size
}

// write puts data at off and returns the pages it made.
func (c *content) write(data []byte, off int64) []pageAt {
	var made []pageAt
	for len(data) > 0 {
		i, at := off/PageSize, off%PageSize
		var p page
		if old := c.page(i); old != nil {
			p = *old
		}
		n := copy(p[at:], data)
		c.setPage(i, &p)
		made = append(made, pageAt{i, &p})
		data, off = data[n:], off+int64(n)
	}
	c.size = max(c.size, off)
	return made
}

// read fills p from off as far as the content goes.
func (c *content) read(p []byte, off int64) (n int) {
	if off >= c.size {
		return 0
	}
	p = p[:min(int64(len(p)), c.size-off)]
	for n < len(p) {
		i, at := (off+int64(n))/PageSize, (off+int64(n))%PageSize
		chunk := p[n:min(len(p), n+int(PageSize-at))]
		if src := c.page(i); src != nil {
			copy(chunk, src[at:])
		} else {
			clear(chunk)
		}
		n += len(chunk)
	}
	return n
}

// pageAt is a page and its place in the file.
type pageAt struct {
	index int64
	page  *page
}

// change is one write or one truncation that no sync followed.
type change struct {
	size  int64    // of the file afterwards
	cut   bool     // a truncation: pages is nil
	pages []pageAt // as they are afterwards
}

// apply brings a change to the disk, whole.
func (c *content) apply(x *change) {
	if x.cut {
		c.resize(x.size)
		return
	}
	for _, p := range x.pages {
		c.setPage(p.index, p.page)
	}
	c.size = max(c.size, x.size)
}

// survive returns what a power cut leaves of base and the changes made to it
// since. Sizes are journalled, and so those of the first changes survive, up
// to one chosen by chance; pages survive each by itself.
func survive(base *content, log []change, c chance) content {
	out := base.clone()
	if len(log) == 0 {
		return out
	}
	sizes := c.prefix(len(log))
	for i := range log {
		x := &log[i]
		if x.cut {
			if i < sizes {
				out.resize(x.size)
			}
			continue
		}
		for _, p := range x.pages {
			if c.data() {
				out.setPage(p.index, c.tear(out.page(p.index), p.page))
			}
		}
		if i < sizes {
			out.size = max(out.size, x.size)
		}
	}
	size := out.size
	out.size = max(size, int64(len(out.pages))*PageSize)
	out.resize(size) // pages beyond the size were not written for the file
	return out
}
