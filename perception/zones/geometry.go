package zones

import "math"

// onEdge is how near to a side a point counts as on it, in parts of the
// picture: less than a pixel, more than what float32 boxes lose.
const onEdge = 1e-6

// cross is positive where p is at the right hand of one who walks from a to b,
// as it looks in a picture, whose y grows downwards. It is twice the area of
// the triangle.
func cross(a, b, p Point) float64 {
	return (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0])
}

func area(points []Point) float64 {
	sum := 0.0
	for i, p := range points {
		q := points[(i+1)%len(points)]
		sum += p[0]*q[1] - p[1]*q[0]
	}
	return math.Abs(sum) / 2
}

// touch reports whether the segments have a point in common.
func touch(a, b, c, d Point) bool {
	ca, cb := cross(c, d, a), cross(c, d, b)
	cc, cd := cross(a, b, c), cross(a, b, d)
	if ca*cb < 0 && cc*cd < 0 {
		return true
	}
	return ca == 0 && between(c, d, a) || cb == 0 && between(c, d, b) ||
		cc == 0 && between(a, b, c) || cd == 0 && between(a, b, d)
}

// between reports whether p, on the straight through a and b, is in their box.
func between(a, b, p Point) bool {
	return p[0] >= min(a[0], b[0]) && p[0] <= max(a[0], b[0]) && p[1] >= min(a[1], b[1]) && p[1] <= max(a[1], b[1])
}

// shape is a zone's outline, prepared for many questions.
type shape struct {
	points   []Point
	from, to Point // the box around it, grown by onEdge
}

func shapeOf(points []Point) shape {
	s := shape{points: points, from: Point{math.Inf(1), math.Inf(1)}, to: Point{math.Inf(-1), math.Inf(-1)}}
	for _, p := range points {
		for i := range p {
			s.from[i], s.to[i] = min(s.from[i], p[i]-onEdge), max(s.to[i], p[i]+onEdge)
		}
	}
	return s
}

// contains reports whether p is in the polygon or on its outline: who stands
// at the lower edge of the picture stands in a zone that reaches down to it.
func (s *shape) contains(p Point) bool {
	if p[0] < s.from[0] || p[0] > s.to[0] || p[1] < s.from[1] || p[1] > s.to[1] {
		return false
	}
	inside := false
	a := s.points[len(s.points)-1]
	for _, b := range s.points {
		low, high := min(a[1], b[1]), max(a[1], b[1])
		if p[1] >= low-onEdge && p[1] <= high+onEdge {
			if near(a, b, p) {
				return true
			}
			// Half open, so that a ray through a corner meets one of its sides.
			if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1]) {
				inside = !inside
			}
		}
		a = b
	}
	return inside
}

// near reports whether p is on the side from a to b, as far as onEdge.
func near(a, b, p Point) bool {
	if p[0] < min(a[0], b[0])-onEdge || p[0] > max(a[0], b[0])+onEdge {
		return false
	}
	dx, dy := b[0]-a[0], b[1]-a[1]
	c := cross(a, b, p)
	return c*c <= onEdge*onEdge*(dx*dx+dy*dy)
}

// crossings returns how often the way from p to q crosses the line from A to
// B, less how often from B to A. A point on the line is on side A, so that
// whoever stops on it crosses once.
func (s *shape) crossings(p, q Point) int {
	if p == q || max(p[0], q[0]) < s.from[0] || min(p[0], q[0]) > s.to[0] ||
		max(p[1], q[1]) < s.from[1] || min(p[1], q[1]) > s.to[1] {
		return 0
	}
	net := 0
	for i := 1; i < len(s.points); i++ {
		a, b := s.points[i-1], s.points[i]
		wasB, isB := cross(a, b, p) > 0, cross(a, b, q) > 0
		if wasB == isB || (cross(p, q, a) > 0) == (cross(p, q, b) > 0) {
			continue
		}
		if isB {
			net++
		} else {
			net--
		}
	}
	return net
}
