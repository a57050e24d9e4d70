{{- define "rehome.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name label ignores nameOverride: KubeBlocks aggregates the rights of every ClusterRole that has the label of KubeBlocks. */}}
{{- define "rehome.selectorLabels" -}}
app.kubernetes.io/name: rehome
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rehome.ownLabels" -}}
{{ include "rehome.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The chart's own labels win over commonLabels: a Deployment's selector depends on them. */}}
{{- define "rehome.labels" -}}
{{- toYaml (merge (include "rehome.ownLabels" . | fromYaml) .Values.commonLabels) -}}
{{- end -}}

{{/* The annotations of an object, or nothing. Takes a list of the top context and the object's own annotations. */}}
{{- define "rehome.annotations" -}}
{{- with merge (deepCopy (last .)) (first .).Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "rehome.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rehome.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is required if serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rehome.subjects" -}}
- kind: ServiceAccount
  name: {{ include "rehome.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "rehome.image" -}}
{{- $registry := default .Values.image.registry (.Values.global).imageRegistry -}}
{{- $image := list $registry .Values.image.repository | compact | join "/" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $image .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The Secrets to pull the image with. Charts differ in whether global.imagePullSecrets lists names or objects. */}}
{{- define "rehome.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat .Values.image.imagePullSecrets (default list (.Values.global).imagePullSecrets) -}}
{{- $secrets = append $secrets (ternary (dict "name" .) . (kindIs "string" .)) -}}
{{- end -}}
{{- with $secrets | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* The managed Namespaces, as a JSON list. */}}
{{- define "rehome.namespaces" -}}
{{- $namespaces := list -}}
{{- range splitList "," (default "" .Values.managedNamespaces) -}}
{{- $namespaces = append $namespaces (trim .) -}}
{{- end -}}
{{- $namespaces | compact | uniq | toJson -}}
{{- end -}}

{{/* The operator's configuration file: .Values.config, and fields that follow from other values. */}}
{{- define "rehome.config" -}}
{{- $mode := toString .Values.config.mode -}}
{{- if has (lower $mode) (list "off" "false") -}}
{{- fail (printf "config.mode must be Enforce, Observe or Disabled, got %s (YAML reads off as false): write Disabled" $mode) -}}
{{- end -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "apiVersion" "config.rehome.kubeblocks.io/v1alpha1" -}}
{{- $_ := set $config "kind" "Configuration" -}}
{{- $_ := set $config "leaderElection" (dict "enabled" true "namespace" .Release.Namespace) -}}
{{- if .Values.webhook.enabled -}}
{{- $_ := set $config "webhook" (dict "bindAddress" (printf ":%d" (int .Values.webhook.port)) "certificates" .Values.webhook.certificates "configuration" (printf "%s-webhook" (include "rehome.fullname" .))) -}}
{{- end -}}
{{- with include "rehome.namespaces" . | fromJsonArray -}}
{{- $_ := set $config "watchNamespaces" . -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The port of a bind address. It is empty for "0", which disables the endpoint. */}}
{{- define "rehome.port" -}}
{{- if ne . "0" -}}
{{- splitList ":" . | last -}}
{{- end -}}
{{- end -}}

{{- define "rehome.metricsPort" -}}
{{- include "rehome.port" .Values.config.metrics.bindAddress -}}
{{- end -}}

{{- define "rehome.healthPort" -}}
{{- include "rehome.port" .Values.config.health.bindAddress -}}
{{- end -}}

{{/* The Secret that holds the webhook's certificate; empty where a Pod makes it itself. */}}
{{- define "rehome.webhookSecret" -}}
{{- if .Values.webhook.enabled -}}
{{- if eq .Values.webhook.certificates "CertManager" -}}
{{- include "rehome.fullname" . }}-webhook
{{- else if eq .Values.webhook.certificates "Existing" -}}
{{- required "webhook.existingSecret is required if webhook.certificates is Existing" .Values.webhook.existingSecret -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The rules of a generated role. Takes a dict with root, the top context, and name, the name of the role. */}}
{{- define "rehome.rules" -}}
{{- $name := .name -}}
{{- range splitList "\n---\n" (.root.Files.Get "files/roles.yaml") -}}
{{- $role := fromYaml . -}}
{{- if eq $role.metadata.name $name -}}
{{- toYaml $role.rules -}}
{{- end -}}
{{- end -}}
{{- end -}}
