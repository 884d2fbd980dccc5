// Package e2e proves the built product: it starts bin/vedette as a user
// would, points it at cameras that are not our own stack, and looks at what
// lies on the disk and comes back over HTTP with independent tools.
package e2e
