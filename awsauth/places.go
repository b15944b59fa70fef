package awsauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
)

// ErrNoCredentials is the error of a [Source] that looks at a place without credentials.
var ErrNoCredentials = errors.New("awsauth: there are no credentials")

// Default returns a Source that looks for credentials in the usual places, in this
// order: [Environment], [WebIdentity], [Files] with the profile of AWS_PROFILE,
// [Container], [Instance]. The first place with credentials counts. If no place has
// credentials, the error matches [ErrNoCredentials].
func Default() Source {
	return first(Environment(), WebIdentity(), Files(""), Container(), Instance())
}

// first returns a Source over several places.
func first(places ...Source) Source {
	return func(ctx context.Context) (Credentials, error) {
		for _, place := range places {
			c, err := place(ctx)
			if !errors.Is(err, ErrNoCredentials) {
				return c, err
			}
		}
		return Credentials{}, fmt.Errorf("%w in the environment, the files, the container and the instance", ErrNoCredentials)
	}
}

// Environment returns a Source of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
// AWS_SESSION_TOKEN.
func Environment() Source {
	return func(context.Context) (Credentials, error) {
		c := Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: connectorauth.Secret(os.Getenv("AWS_SECRET_ACCESS_KEY")),
			SessionToken: connectorauth.Secret(os.Getenv("AWS_SESSION_TOKEN")),
		}
		if c.AccessKeyID == "" || c.SecretAccessKey == "" {
			return Credentials{}, fmt.Errorf("%w in the environment", ErrNoCredentials)
		}
		return c, nil
	}
}

// WebIdentity returns a Source for the role AWS_ROLE_ARN, by the token in the file
// AWS_WEB_IDENTITY_TOKEN_FILE, as Kubernetes gives them to a program. The region is
// AWS_REGION or AWS_DEFAULT_REGION, and the name of the session AWS_ROLE_SESSION_NAME.
func WebIdentity() Source {
	return func(ctx context.Context) (Credentials, error) {
		arn, file := os.Getenv("AWS_ROLE_ARN"), os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")
		if arn == "" || file == "" {
			return Credentials{}, fmt.Errorf("%w for a web identity in the environment", ErrNoCredentials)
		}
		return AssumeRoleWithWebIdentity(RoleConfig{
			RoleARN: arn, SessionName: os.Getenv("AWS_ROLE_SESSION_NAME"), Region: environmentRegion(), Endpoint: os.Getenv("AWS_ENDPOINT_URL_STS"),
		}, TokenFile(file))(ctx)
	}
}

func environmentRegion() string {
	return cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
}

// Files returns a Source of a profile in the shared files: AWS_SHARED_CREDENTIALS_FILE,
// or .aws/credentials in the home directory, and AWS_CONFIG_FILE, or .aws/config. An
// empty profile means AWS_PROFILE, or else "default". The files are read each time anew.
//
// A profile has keys, or a role_arn with source_profile, credential_source or
// web_identity_token_file, and may have external_id, role_session_name,
// duration_seconds and region. credential_process and single sign-on are refused: give
// a function of the program for these.
func Files(profile string) Source {
	return func(ctx context.Context) (Credentials, error) {
		sections := map[string]map[string]string{}
		for _, file := range []struct{ variable, name string }{{"AWS_CONFIG_FILE", "config"}, {"AWS_SHARED_CREDENTIALS_FILE", "credentials"}} {
			name := os.Getenv(file.variable)
			if name == "" {
				home, err := os.UserHomeDir()
				if err != nil {
					continue
				}
				name = filepath.Join(home, ".aws", file.name)
			}
			text, err := os.ReadFile(name)
			if errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return Credentials{}, fmt.Errorf("awsauth: the shared files: %w", err)
			}
			readSections(string(text), sections)
		}
		name := cmp.Or(profile, os.Getenv("AWS_PROFILE"), "default")
		if sections[name] == nil {
			err := fmt.Errorf("%w for the profile %q in the shared files", ErrNoCredentials, name)
			if profile != "" || os.Getenv("AWS_PROFILE") != "" {
				err = fmt.Errorf("awsauth: the shared files have no profile %q", name) // somebody wants this one
			}
			return Credentials{}, err
		}
		return ofProfile(ctx, sections, name, 0)
	}
}

// readSections reads the lines of a shared file. Of two values of a section, the later
// counts. Indented lines below a key without a value belong to the key.
func readSections(text string, sections map[string]map[string]string) {
	var section map[string]string
	open := false // the last key at the start of a line has no value
	for line := range strings.Lines(text) {
		nested := open && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"))
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if inner, ok := strings.CutPrefix(line, "["); ok {
			inner, _, _ = strings.Cut(inner, "]")
			open = false
			name := strings.TrimSpace(inner)
			if of, ok := strings.CutPrefix(name, "profile "); ok {
				name = strings.TrimSpace(of)
			} else if strings.Contains(name, " ") {
				section = nil // such as: [sso-session x]
				continue
			}
			if sections[name] == nil {
				sections[name] = map[string]string{}
			}
			section = sections[name]
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || nested || section == nil || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		value = withoutComment(value)
		open = value == ""
		section[strings.ToLower(strings.TrimSpace(key))] = value
	}
}

// withoutComment returns a value without spaces around, and without the comment that
// follows a space.
func withoutComment(value string) string {
	for i := 1; i < len(value); i++ {
		if (value[i] == '#' || value[i] == ';') && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
		}
	}
	return strings.TrimSpace(value)
}

// maxProfiles is how many profiles may lead to each other.
const maxProfiles = 5

// ofProfile returns the credentials of a profile. depth counts the profiles that lead
// there.
func ofProfile(ctx context.Context, sections map[string]map[string]string, name string, depth int) (Credentials, error) {
	p := sections[name]
	role, keys := p["role_arn"], p["aws_access_key_id"] != ""
	switch {
	case p == nil:
		return Credentials{}, fmt.Errorf("awsauth: the shared files have no profile %q", name)
	case depth > maxProfiles:
		return Credentials{}, fmt.Errorf("awsauth: the profile %q is one of a circle, or of a chain of more than %d", name, maxProfiles)
	case role != "" && (depth == 0 || !keys):
		return ofRole(ctx, sections, name, depth)
	case keys && p["aws_secret_access_key"] == "":
		return Credentials{}, fmt.Errorf("awsauth: the profile %q has an aws_access_key_id without aws_secret_access_key", name)
	case keys:
		return Credentials{
			AccessKeyID: p["aws_access_key_id"], SecretAccessKey: connectorauth.Secret(p["aws_secret_access_key"]),
			SessionToken: connectorauth.Secret(p["aws_session_token"]),
		}, nil
	}
	for _, other := range []string{"credential_process", "sso_session", "sso_start_url"} {
		if p[other] != "" {
			return Credentials{}, fmt.Errorf("awsauth: the profile %q has %s, which this package does not do: give a function of the program as the source", name, other)
		}
	}
	return Credentials{}, fmt.Errorf("%w in the profile %q of the shared files", ErrNoCredentials, name)
}

// ofRole returns the credentials of a profile with a role.
func ofRole(ctx context.Context, sections map[string]map[string]string, name string, depth int) (Credentials, error) {
	p := sections[name]
	config := RoleConfig{
		RoleARN: p["role_arn"], SessionName: p["role_session_name"], ExternalID: connectorauth.Secret(p["external_id"]),
		Region: cmp.Or(p["region"], environmentRegion()), Endpoint: os.Getenv("AWS_ENDPOINT_URL_STS"),
	}
	if seconds := p["duration_seconds"]; seconds != "" {
		n, err := strconv.Atoi(seconds)
		if err != nil || n <= 0 {
			return Credentials{}, fmt.Errorf("awsauth: the profile %q: duration_seconds is not a number of seconds", name)
		}
		config.Duration = time.Duration(n) * time.Second
	}
	if file := p["web_identity_token_file"]; file != "" {
		return AssumeRoleWithWebIdentity(config, TokenFile(file))(ctx)
	}
	var source Source
	switch p["credential_source"] {
	case "Environment":
		source = Environment()
	case "EcsContainer":
		source = Container()
	case "Ec2InstanceMetadata":
		source = Instance()
	case "":
		of := p["source_profile"]
		if of == "" {
			return Credentials{}, fmt.Errorf("awsauth: the profile %q has a role_arn without source_profile, credential_source or web_identity_token_file", name)
		}
		depth++
		if of == name && p["aws_access_key_id"] == "" {
			depth = maxProfiles + 1
		}
		source = func(ctx context.Context) (Credentials, error) { return ofProfile(ctx, sections, of, depth) }
	default:
		return Credentials{}, fmt.Errorf("awsauth: the profile %q: credential_source is not Environment, EcsContainer or Ec2InstanceMetadata", name)
	}
	return AssumeRole(config, source)(ctx)
}
