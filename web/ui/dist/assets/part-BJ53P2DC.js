import{b as V}from"./part-EM66PPMN.js";import{c as U}from"./part-KSULAJ2F.js";import{A as N,B as F,D as I,E as x,h as b}from"./part-YZEX2WLS.js";import{a as H,d as T}from"./part-6EAXLRLA.js";import{A as u,D as j,E as L,F as E,G as M,H as h,I as S,J as q,K as z,b as s,c as i,i as k,m as v,n as _,t as P,u as D,w as y,y as C}from"./part-KWRCCB3G.js";function K(e){return{name:e?.name??"",way:e&&!e.vendor?"urls":"vendor",vendor:e?.vendor??"",address:e?.address??"",main:e&&!e.vendor?e.main_url??"":"",sub:e&&!e.vendor?e.sub_url??"":"",user:e?.username??"",pass:"",record:e?.record??!0,audio:e?.audio??!0,volume:e?.volume??"",mirror:e?.mirror??""}}function R(e,t){let r={name:e.name.trim(),vendor:e.way==="vendor"?e.vendor:"",address:e.way==="vendor"?e.address.trim():"",main_url:e.way==="urls"?e.main.trim():"",sub_url:e.way==="urls"?e.sub.trim():"",username:e.user,record:e.record,audio:e.audio,volume:e.volume,mirror:e.mirror},a=t?R(t):{},n={};for(let[o,l]of Object.entries(r))(t?l!==(a[o]??""):l!=="")&&(n[o]=l);return e.pass&&(n.password=e.pass),n}var ee=[{value:"hikvision",label:"Hikvision"},{value:"dahua",label:"Dahua"},{value:"reolink",label:"Reolink"},{value:"axis",label:"Axis"},{value:"amcrest",label:"Amcrest"},{value:"tapo",label:"Tapo"}];function ae(e){let t={};return e.name.trim()||(t.name="Give the camera a name."),e.way==="vendor"?(e.vendor||(t.vendor="Choose the maker, or give the stream addresses."),e.address.trim()||(t.address="Enter the camera’s address.")):/^rtsps?:\/\/./i.test(e.main.trim())||(t.main_url="Enter an address that begins with rtsp:// or rtsps://"),t}function A({camera:e}){let[t,r]=i(()=>K(e)),[a,n]=i(t),[o,l]=i({}),[d,g]=i(!1),[m,Q]=i(null),c=$=>w=>n(p=>({...p,[$]:w})),X=async $=>{$.preventDefault();let w=ae(a);if(l(w),Object.keys(w).length)return G(Object.keys(w)[0]);g(!0);try{let p=e??m,f=p?await b.change(p.id,R(a,t)):await b.add(R(a));f?.id&&(v.value=k(v.value,{v:1,t:"camera",d:f},Date.now())),C("good",p?`${a.name.trim()} was saved.`:`${a.name.trim()} was added.`),r({...a,pass:""}),n({...a,pass:""}),e?T("cameras"):Q(f)}catch(p){let f=p;l({[f.field??"form"]:f.message}),G(f.field??"")}finally{g(!1)}},Z=["name","vendor","address","main_url","sub_url","username","password","volume","mirror"],O=Object.entries(o).filter(([$])=>!Z.includes($)).map(([,$])=>$).join(" ");return s`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${u} name="back" /></a>
      <h1 tabIndex=${-1}>${e?`Edit ${e.name}`:"Add a camera"}</h1></header>
    <form class="form" onSubmit=${X} noValidate>
      <div role="alert">${O&&s`<p class="form-error"><${u} name="warn" />${O}</p>`}</div>
      <${h} id="name" label="Name" value=${a.name} onInput=${c("name")} error=${o.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${M} label="How to find the camera" testid="camera-way" value=${a.way} onPick=${c("way")}
          options=${[{value:"vendor",label:"By maker"},{value:"urls",label:"By stream address"}]} />
        ${a.way==="vendor"?s`<${se} v=${a} set=${c} errors=${o} />`:s`<${re} v=${a} set=${c} errors=${o} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${h} id="username" label="User name" required=${!1} value=${a.user} onInput=${c("user")} error=${o.username} testid="camera-user" />
          <${h} id="password" label="Password" type="password" required=${!1} value=${a.pass} onInput=${c("pass")} error=${o.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${e?.has_password?"unchanged":""} hint=${e?.has_password?"One is stored. It is never shown; write a new one to replace it.":void 0} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${S} id="record" label="Record" hint="Off: live view only." checked=${a.record} onChange=${c("record")} testid="camera-record" />
        <${te} v=${a} set=${c} errors=${o} />
        <${S} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${a.audio} onChange=${c("audio")} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${d||y.value} data-testid="camera-save">${d?"Saving…":e||m?"Save":"Add camera"}</button>
        <a class="button" href="#/cameras">${m?"Done":"Cancel"}</a>
      </div>
    </form>
    ${(m??e)&&s`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${m?"The camera was added. This is what it answers:":"Tests what is saved, not what is typed above."}</p>
      <${B} key=${m?.id??e.id} id=${m?.id??e.id} auto=${!!m} /></section>`}
  </main>`}function se({v:e,set:t,errors:r}){return s`<div class="pair">
    <div class="field ${r.vendor?"field-bad":""}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${e.vendor} data-testid="camera-vendor" aria-invalid=${r.vendor?"true":void 0} aria-describedby=${r.vendor?"vendor-error":void 0}
        onChange=${a=>t("vendor")(a.target.value)}>
        <option value="" selected=${!e.vendor}>Choose…</option>
        ${ee.map(a=>s`<option value=${a.value} key=${a.value} selected=${e.vendor===a.value}>${a.label}</option>`)}
      </select></div>
      ${r.vendor&&s`<p class="field-error" id="vendor-error"><${u} name="warn" size=${16} />${r.vendor}</p>`}
    </div>
    <${h} id="address" label="Address" value=${e.address} onInput=${t("address")} error=${r.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`}function te({v:e,set:t,errors:r}){let a=(v.value.system.volumes??[]).map(n=>n.name??"").filter(Boolean);return a.length<2||!e.record?null:s`<div class="pair">
    <${W} id="volume" label="Disk" value=${e.volume} onPick=${t("volume")} error=${r.volume} none="Any, by room" names=${a} />
    <${W} id="mirror" label="Second copy" value=${e.mirror} onPick=${t("mirror")} error=${r.mirror} none="None" names=${a.filter(n=>n!==e.volume)} />
  </div>`}function W({id:e,label:t,value:r,onPick:a,error:n,none:o,names:l}){return s`<div class="field ${n?"field-bad":""}"><label for=${e}>${t}</label>
    <div class="field-box"><select id=${e} data-testid="camera-${e}" aria-invalid=${n?"true":void 0} aria-describedby=${n?`${e}-error`:void 0}
      onChange=${d=>a(d.target.value)}>
      <option value="" selected=${!r}>${o}</option>
      ${l.map(d=>s`<option value=${d} key=${d} selected=${r===d}>${d}</option>`)}
    </select></div>
    ${n&&s`<p class="field-error" id="${e}-error"><${u} name="warn" size=${16} />${n}</p>`}
  </div>`}function re({v:e,set:t,errors:r}){return s`<${h} id="main_url" label="Main stream, recorded" value=${e.main} onInput=${t("main")} error=${r.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${h} id="sub_url" label="Sub stream, for the grid" required=${!1} value=${e.sub} onInput=${t("sub")} error=${r.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`}var G=e=>e&&setTimeout(()=>document.getElementById(e)?.focus());function De(){let e=D.value,t=H.value.arg,r=e.find(n=>n.id===t),a=V(_.value?.role);return t==="new"&&a?s`<${A} key="new" />`:r&&a?s`<${A} key=${r.id} camera=${r} />`:s`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      ${a&&s`<a class="button primary" href="#/cameras/new" data-testid="camera-add"><${u} name="plus" /><span>Add a camera</span></a>`}</header>
    ${e.length===0?s`<${z} title="No cameras yet"><p>You need the camera's address on your network, its user name and its password.</p><//>`:s`<ul class="cams">${e.map(n=>s`<${oe} key=${n.id} c=${n} />`)}</ul>`}
  </main>`}function Y(e){return[e.codec&&x(e.codec),e.width&&e.height?`${e.width} × ${e.height}`:"",e.fps?`${Math.round(e.fps*10)/10} fps`:"",e.bitrate_bps?N(e.bitrate_bps):""].filter(Boolean).join(" · ")}function ne(e){let t=e.last_written?Date.parse(e.last_written):NaN;return Number.isFinite(t)?`Last recorded ${F(P.value-t)}`:"No picture seen yet"}function oe({c:e}){let[t,r]=i(!1),[a,n]=i(!1);return s`<li class="cam" data-testid="camera-${e.id}">
    <div class="cam-main">
      <h2>${e.name}</h2>
      <${L} state=${e.state} />
      ${e.state_reason&&e.state!=="recording"&&s`<p class="cam-why cam-why-${e.state}">${I(e.state_reason)}</p>`}
      <p class="cam-facts">${j(e)&&Y(e)||s`<span class="muted">${ne(e)}</span>`}</p>
      <p class="cam-url mono">${e.main_url||e.address||""}</p>
    </div>
    ${V(_.value?.role)&&s`<div class="cam-tools">
      <${E} icon="probe" label="Test" text onClick=${()=>n(!0)} disabled=${y.value} testid="camera-test-${e.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(e.id)}" data-testid="camera-edit-${e.id}"><${u} name="edit" /><span>Edit</span><span class="sr"> ${e.name}</span></a>
      <${E} icon="trash" label="Remove" text onClick=${()=>r(!0)} disabled=${y.value} testid="camera-delete-${e.id}" />
    </div>`}
    ${a&&s`<${ie} c=${e} onClose=${()=>n(!1)} />`}
    ${t&&s`<${me} c=${e} onClose=${()=>r(!1)} />`}
  </li>`}function ie({c:e,onClose:t}){return s`<${q} title="Test ${e.name}" onClose=${t} testid="test-dialog"><${B} id=${e.id} auto /><//>`}function B({id:e,auto:t=!1}){let[r,a]=i(!1),[n,o]=i(null),[l,d]=i(!1),g=async()=>{a(!0),o(null);try{o(await b.test(e))}catch(m){o({ok:!1,reason:m.message})}finally{a(!1)}};return t&&!l&&(d(!0),g()),s`<div class="test" data-testid="test-result" data-ok=${n?String(J(n)):""}>
    <div role="status" aria-live="polite">
      ${r&&s`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${n&&s`<${le} r=${n} />`}
    </div>
    ${!r&&s`<button type="button" class="button" onClick=${g}>${n?"Test again":"Test the connection"}</button>`}
  </div>`}var J=e=>e.ok??!(e.error||e.reason);function de(e){return e.reason?e.reason:typeof e.error=="string"?e.error:e.error?.message??"The camera sent no picture."}function le({r:e}){let t=J(e),r=e.audio===!0?"yes":e.audio?x(e.audio):"none";return s`
    <p class="verdict ${t?"verdict-ok":"verdict-bad"}"><${u} name=${t?"check":"cross"} /><b>${t?"The camera answers and sends a picture":"No picture"}</b></p>
    ${e.steps?.length?s`<ol class="steps">${e.steps.map(a=>s`<li key=${a.name} class=${a.ok?"step-ok":"step-bad"}>
      <${u} name=${a.ok?"check":"cross"} size=${16} /><span><span class="sr">${a.ok?"Passed: ":"Failed: "}</span>${a.name}${a.detail&&s` <em>${a.detail}</em>`}${!a.ok&&a.hint&&s`<small>${a.hint}</small>`}</span>
      ${a.ms!==void 0&&s`<span class="mono muted">${a.ms} ms</span>`}</li>`)}</ol>`:null}
    ${t?s`<dl class="facts"><div><dt>Video</dt><dd>${Y(e)||"not reported"}</dd></div><div><dt>Audio</dt><dd>${r}</dd></div>
          ${typeof e.ms=="number"&&s`<div><dt>Took</dt><dd>${(e.ms/1e3).toFixed(1)} s</dd></div>`}</dl>`:s`<p>${I(de(e))}</p>`}`}function me({c:e,onClose:t}){let r=async()=>{await b.remove(e.id),v.value=k(v.value,{v:1,t:"camera.removed",d:{id:e.id}},Date.now()),C("good",`${e.name} was removed.`),T("cameras")};return s`<${U} title="Remove ${e.name}?" verb="Remove camera" keep="Keep it" waits="Removing…" act=${r} onClose=${t} testid="remove">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
  <//>`}export{B as CameraTest,De as CamerasScreen,Y as facts};
