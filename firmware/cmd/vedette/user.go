package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"vedette/firmware/seal"
	"vedette/web/auth"
)

// userCommand manages accounts while the recorder is stopped.
func userCommand(ctx context.Context, args []string, std streams) int {
	fs := flag.NewFlagSet("vedette user", flag.ContinueOnError)
	role := fs.String("role", "admin", "admin, manager, guard or viewer")
	data := fs.String("data", "./var", "data directory")
	fromStdin := fs.Bool("password-stdin", false, "read the password from standard input, up to the first line break")
	rest, code, ok := parse(fs, args, std)
	if !ok {
		return code
	}
	if len(rest) != 2 || rest[0] != "add" {
		return fail(std, 2, errors.New("usage: vedette user add NAME --role ROLE --password-stdin [--data DIR]"))
	}
	if !*fromStdin {
		return fail(std, 2, errors.New("a password is read from standard input alone; say --password-stdin"))
	}
	password, err := bufio.NewReader(io.LimitReader(std.in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fail(std, 2, fmt.Errorf("read password: %w", err))
	}
	if err := addUser(ctx, *data, rest[1], *role, strings.TrimRight(password, "\r\n")); err != nil {
		return fail(std, 1, err)
	}
	fmt.Fprintf(std.out, "added %s as %s\n", rest[1], *role)
	return 0
}

func addUser(ctx context.Context, data, name, role, password string) (err error) {
	db, err := openState(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	vault, err := seal.Open(data, seal.Options{})
	if err != nil {
		return err
	}
	service, err := auth.Open(db, auth.Options{Seal: vault})
	if err != nil {
		return err
	}
	if _, err := service.AddUser(ctx, name, auth.Role(role), password, nil); err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}
