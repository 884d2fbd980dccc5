package api

import (
	"errors"
	"net/http"

	"vedette/web/auth"
	"vedette/web/auth/keys"
)

// accountError is how an error of the accounts is answered.
type accountError struct {
	is      error
	failure *failure
}

// accountErrors is read alone.
var accountErrors = []accountError{
	{auth.ErrCredentials, &failure{status: http.StatusUnauthorized, code: "bad_credentials", message: "User name or password is wrong."}},
	{auth.ErrSecondFactor, &failure{status: http.StatusUnauthorized, code: "second_factor", message: "The code of the second factor is needed.", field: "code"}},
	{auth.ErrCode, &failure{status: http.StatusForbidden, code: "bad_code", message: "The code is wrong.", field: "code"}},
	{auth.ErrClaimed, &failure{status: http.StatusConflict, code: "claimed", message: "The box has an owner already; hold its button for 10 seconds to let another one in."}},
	{auth.ErrClosed, &failure{status: http.StatusConflict, code: "closed", message: "The time for setting up is over; hold the button of the box for 10 seconds, or restart it."}},
	{auth.ErrExists, &failure{status: http.StatusConflict, code: "conflict", message: "There is a user with this name already.", field: "username"}},
	{auth.ErrLastAdmin, &failure{status: http.StatusConflict, code: "last_admin", message: "This is the last admin who can sign in; make another one first."}},
	{auth.ErrSelf, &failure{status: http.StatusConflict, code: "conflict", message: "Nobody can remove themselves."}},
	{auth.ErrTOTP, &failure{status: http.StatusConflict, code: "conflict", message: "There is a second factor already; remove it first."}},
	{auth.ErrNoTOTP, &failure{status: http.StatusConflict, code: "conflict", message: "There is no second factor, or the time to confirm it is over."}},
	{auth.ErrNoUser, errNotFound},
	{auth.ErrNoKey, errNotFound},
	{keys.ErrFull, &failure{status: http.StatusConflict, code: "conflict", message: "There are as many keys as there can be; remove one first."}},
}

func isCredentials(err error) bool { return errors.Is(err, auth.ErrCredentials) }

// secondFactor answers a wrong code, where a session is there already, so that
// it does not look as if that was over.
func secondFactor(err error) error {
	if errors.Is(err, auth.ErrSecondFactor) {
		return &failure{status: http.StatusForbidden, code: "bad_code", field: "code", message: "The code is wrong, or was used before."}
	}
	return err
}
